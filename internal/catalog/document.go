package catalog

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/signature"
	"bobwatch/internal/yamlfile"
)

// MaxDocumentBytes bounds one document, and all documents of one ConfigMap
// together, after decompression.
const MaxDocumentBytes = yamlfile.MaxInputBytes

// Document holds the bytes that a source publishes under one name, unchanged and
// untrusted.
type Document struct {
	Name string // unique within its source
	File string // what errors call it, such as a path
	// Namespace, if set, is the only one where the document has effect: a user who
	// can write to one namespace must not decide about another.
	Namespace string

	Data       []byte
	Signatures [][]byte
	Values     []byte // of its parameters; nil for none
	// Err says why the source could not read the document. It is refused then.
	Err error
}

// Digest names the version of a document: "sha256:..." over all that was given
// of it. State.Digest is compared with it.
func (d *Document) Digest() string {
	sum := d.digest()
	return "sha256:" + hex.EncodeToString(sum[:])
}

// digest tells whether a document is the one that was seen before.
func (d *Document) digest() [sha256.Size]byte {
	h := sha256.New()
	part := func(data []byte) {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(data)))
		h.Write(size[:])
		h.Write(data)
	}
	for _, text := range []string{d.File, d.Namespace} {
		part([]byte(text))
	}
	for _, data := range append([][]byte{d.Data, d.Values}, d.Signatures...) {
		part(data)
	}
	if d.Err != nil {
		part([]byte(d.Err.Error()))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// The suffixes of the files a document is made of, behind its name.
const (
	suffixDocument   = ".yaml"
	suffixCompressed = ".yaml.gz"
	suffixSignature  = ".yaml.sig"
	suffixBundle     = ".sigstore.json"
	suffixValues     = ".values.yaml" // before suffixDocument, which it ends in
)

var suffixes = []string{suffixValues, suffixBundle, suffixSignature, suffixCompressed, suffixDocument}

// file is the content of one file or ConfigMap key, or why there is none.
type file struct {
	data []byte
	err  error
}

// split returns the document that a file belongs to, and the suffix that names its part.
// The suffix is empty for a file that has none.
func split(name string) (document, suffix string) {
	for _, s := range suffixes {
		if base, ok := strings.CutSuffix(name, s); ok && base != "" {
			return base, s
		}
	}
	return name, ""
}

// maxBytes is the most a file may have before decompression.
func maxBytes(suffix string) int {
	switch suffix {
	case suffixSignature, suffixBundle:
		return signature.MaxBytes
	case suffixValues:
		return maxValuesBytes
	}
	return MaxDocumentBytes
}

// assemble joins files to documents, sorted by name. A file without a document
// becomes a refused document of its own, so that a misspelt name is noticed.
// path makes the name that errors call a file by.
func assemble(files map[string]file, path func(name string) string) []Document {
	groups := make(map[string]map[string]string) // document -> suffix -> file
	var strays []Document
	for _, name := range slices.Sorted(maps.Keys(files)) {
		document, suffix := split(name)
		if suffix == "" {
			strays = append(strays, Document{Name: name, File: path(name), Err: fmt.Errorf(
				"neither a document (%s) nor its signature (%s, %s) or values (%s)",
				suffixDocument, suffixSignature, suffixBundle, suffixValues)})
			continue
		}
		if groups[document] == nil {
			groups[document] = make(map[string]string)
		}
		groups[document][suffix] = name
	}
	var documents []Document
	for document, group := range groups {
		main := cmp.Or(group[suffixDocument], group[suffixCompressed])
		if main == "" {
			for _, name := range group {
				strays = append(strays, Document{Name: name, File: path(name), Err: fmt.Errorf("no document %s%s beside it", document, suffixDocument)})
			}
			continue
		}
		documents = append(documents, join(document, path(main), group, files))
	}
	byName := func(a, b Document) int { return cmp.Compare(a.Name, b.Name) }
	documents = append(documents, strays...)
	slices.SortStableFunc(documents, byName)
	// A stray's whole name may be the name of a document, which goes first.
	return slices.CompactFunc(documents, func(a, b Document) bool { return byName(a, b) == 0 })
}

// join makes one document of its files.
func join(name, path string, group map[string]string, files map[string]file) Document {
	d := Document{Name: name, File: path}
	if group[suffixDocument] != "" && group[suffixCompressed] != "" {
		d.Err = fmt.Errorf("both %s and %s are there", group[suffixDocument], group[suffixCompressed])
		return d
	}
	for _, suffix := range suffixes {
		if group[suffix] == "" {
			continue
		}
		f := files[group[suffix]]
		if f.err != nil {
			d.Err = fmt.Errorf("%s: %w", group[suffix], f.err)
			return d
		}
		if limit := maxBytes(suffix); len(f.data) > limit {
			d.Err = fmt.Errorf("%s: %w: %d bytes are more than %d", group[suffix], yamlfile.ErrLimit, len(f.data), limit)
			return d
		}
		switch suffix {
		case suffixSignature, suffixBundle:
			d.Signatures = append(d.Signatures, f.data)
		case suffixValues:
			d.Values = f.data
		default:
			d.Data = f.data
		}
	}
	return d
}

// inflate decompresses data if it is compressed, and takes what comes out from
// budget, in bytes.
func inflate(data []byte, budget *int) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		zipped, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
		if data, err = io.ReadAll(io.LimitReader(zipped, int64(*budget)+1)); err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
	}
	if len(data) > *budget {
		return nil, fmt.Errorf("%w: MaxDocumentBytes is %d bytes after decompression", yamlfile.ErrLimit, MaxDocumentBytes)
	}
	*budget -= len(data)
	return data, nil
}
