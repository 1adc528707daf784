package kubernetes

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"bobwatch/internal/profile/documents"
	"bobwatch/internal/yamlfile"

	corev1 "k8s.io/api/core/v1"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/profile"
	"bobwatch/internal/workload"
)

// The keys of a learned profile's ConfigMap. It has one of them.
const (
	keyProfile    = "profile.yaml"
	keyCompressed = "profile.yaml.gz"
)

// Labels of a learned profile's ConfigMap. Values are made by LabelValue.
const (
	LabelLearned   = "bobwatch/learned" // "true"
	LabelNamespace = "bobwatch/workload-namespace"
	LabelKind      = "bobwatch/workload-kind"
	LabelName      = "bobwatch/workload-name"
	LabelContainer = "bobwatch/container"
)

// Annotations of a learned profile's ConfigMap.
const (
	AnnotationState        = "bobwatch/state" // stateLearning or stateGuarded
	AnnotationObserved     = "bobwatch/observed"
	AnnotationWindow       = "bobwatch/window"
	AnnotationReplicas     = "bobwatch/replicas"
	AnnotationNewFacts     = "bobwatch/new-facts"
	AnnotationLastNew      = "bobwatch/last-new"
	AnnotationCompleteness = "bobwatch/completeness"
	AnnotationImage        = "bobwatch/image"
	AnnotationPredecessor  = "bobwatch/predecessor"
	AnnotationReason       = "bobwatch/reason"
	AnnotationOwner        = "bobwatch/owner-uid"
)

const (
	stateLearning = "learning"
	stateGuarded  = "guarded"
)

const (
	// compressFrom is the size of a profile's text, in bytes, from which on it
	// is compressed.
	compressFrom = 256 << 10
	// maxStored is the most bytes that the API server takes as the data of a
	// ConfigMap, with some left for the key.
	maxStored = 1<<20 - 1<<10
	// maxText bounds a profile's text. It takes some ten times of it to read it.
	maxText = 4 << 20
)

// errTooLarge is wrapped by the error of a profile that no ConfigMap can hold.
var errTooLarge = errors.New("too large for a ConfigMap")

// encode returns the ConfigMap of a record, without a namespace. resourceVersion
// is that of the map it replaces, empty for a new one. It has no owner: those of
// another namespace are none for the API server.
func encode(s *Subject, r *Record, resourceVersion string) (*corev1.ConfigMap, error) {
	text, err := profile.Marshal(r.Profile)
	if err != nil {
		return nil, err
	}
	key := &s.Key
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name:            LearnedName(*key),
		ResourceVersion: resourceVersion,
		Labels: map[string]string{
			LabelLearned:   "true",
			LabelNamespace: key.Namespace,
			LabelKind:      LabelValue(key.OwnerKind),
			LabelName:      LabelValue(key.OwnerName),
			LabelContainer: LabelValue(key.Container),
		},
		Annotations: annotations(s, r),
	}}
	if len(text) <= compressFrom {
		m.Data = map[string]string{keyProfile: string(text)}
		return m, nil
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: the profile has %d bytes, at most %d are kept", errTooLarge, len(text), maxText)
	}
	zipped, err := compress(text)
	if err != nil {
		return nil, err
	}
	if len(zipped) > maxStored {
		return nil, fmt.Errorf("%w: the profile has %d bytes after compression, at most %d fit", errTooLarge, len(zipped), maxStored)
	}
	m.BinaryData = map[string][]byte{keyCompressed: zipped}
	return m, nil
}

func annotations(s *Subject, r *Record) map[string]string {
	state := stateLearning
	if r.Guarded {
		state = stateGuarded
	}
	texts := map[string]string{
		AnnotationState:        state,
		AnnotationObserved:     r.Observed.Round(time.Second).String(),
		AnnotationWindow:       r.Window.String(),
		AnnotationReplicas:     strconv.Itoa(r.Replicas),
		AnnotationNewFacts:     strconv.Itoa(r.NewFacts),
		AnnotationCompleteness: string(r.Profile.Spec.Provenance.Completeness),
		AnnotationImage:        printable(s.Image),
		AnnotationPredecessor:  r.Predecessor,
		AnnotationReason:       printable(r.Reason),
		AnnotationOwner:        s.OwnerUID,
	}
	if !r.LastNew.IsZero() {
		texts[AnnotationLastNew] = r.LastNew.UTC().Format(time.RFC3339)
	}
	for name, text := range texts {
		if text == "" {
			delete(texts, name)
		}
	}
	return texts
}

// decode reads a ConfigMap that should be a record about key. Only agents may write to
// its namespace. In case others can too, decode returns an error unless the record is
// about this container, within bounds, and widens nothing over sensitive places.
func decode(m *corev1.ConfigMap, key *workload.Key) (*Record, error) {
	text := []byte(m.Data[keyProfile])
	if zipped := m.BinaryData[keyCompressed]; len(zipped) > 0 {
		var err error
		if text, err = decompress(zipped); err != nil {
			return nil, err
		}
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: more than %d bytes", yamlfile.ErrLimit, maxText)
	}
	documents, err := documents.Parse(keyProfile, text)
	if err != nil {
		return nil, err
	}
	p := documents[0]
	if len(documents) != 1 || p.IsAllowance() || len(p.Spec.Containers) != 1 || len(p.Spec.Parameters) > 0 {
		return nil, errors.New("not the profile of one container")
	}
	about := profile.Workload{Namespace: key.Namespace, Kind: key.OwnerKind, Name: key.OwnerName}
	have := p.Spec.Workload
	if len(have.Labels) > 0 || have.Namespace != about.Namespace || have.Kind != about.Kind || have.Name != about.Name ||
		p.Spec.Containers[0].Name != key.Container {
		return nil, errors.New("about another workload")
	}
	if path := widened(&p.Spec.Containers[0]); path != "" {
		return nil, fmt.Errorf("allows %s, in which sensitive files lie", path)
	}
	return &Record{
		Profile:     p,
		Guarded:     m.Annotations[AnnotationState] == stateGuarded,
		Observed:    duration(m.Annotations[AnnotationObserved]),
		Window:      duration(m.Annotations[AnnotationWindow]),
		Replicas:    number(m.Annotations[AnnotationReplicas]),
		NewFacts:    number(m.Annotations[AnnotationNewFacts]),
		LastNew:     moment(m.Annotations[AnnotationLastNew]),
		Reason:      printable(m.Annotations[AnnotationReason]),
		Name:        m.Name,
		Predecessor: cutName(m.Annotations[AnnotationPredecessor], maxName),
	}, nil
}

// duration, number and moment read what encode wrote. Anything else is zero,
// which claims nothing.
func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return max(0, d)
}

func number(text string) int {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// moment takes nothing from the future for true: it would be the newest for ever.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.After(time.Now().Add(time.Hour)) {
		return time.Time{}
	}
	return t
}

func compress(text []byte) ([]byte, error) {
	var b bytes.Buffer
	zipper := gzip.NewWriter(&b)
	if _, err := zipper.Write(text); err != nil {
		return nil, fmt.Errorf("compress profile: %w", err)
	}
	if err := zipper.Close(); err != nil {
		return nil, fmt.Errorf("compress profile: %w", err)
	}
	return b.Bytes(), nil
}

// decompress returns at most one byte more than maxText.
func decompress(zipped []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, fmt.Errorf("decompress profile: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil {
		return nil, fmt.Errorf("decompress profile: %w", err)
	}
	return text, nil
}
