package kubernetes

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"time"
)

// Mode says what to do with a workload.
type Mode string

// The modes. The empty one is the agent's own way: learn, then guard.
const (
	ModeLearn Mode = "learn" // never guard
	ModeGuard Mode = "guard" // by a document from the first system call; learn nothing
	ModeOff   Mode = "off"   // neither
)

// Settings are the settings in the labels and annotations of a pod and of its top
// owner. A zero value is no setting.
type Settings struct {
	Mode   Mode
	Window time.Duration
	// Document is the name of the only documents that describe the workload.
	Document string
}

// The annotations and labels that settings are made of.
const (
	settingMode     = "bobwatch/mode"
	settingWindow   = "bobwatch/window"
	settingDocument = "bobwatch/bob"
)

var settingKeys = []string{settingMode, settingWindow, settingDocument}

// SettingsRule lets the pods of namespaces choose.
type SettingsRule struct {
	// Namespace is a pattern as of path.Match.
	Namespace string `json:"namespace"`
	// Allow lists Choices.
	Allow []string `json:"allow"`
}

// The choices that a SettingsRule allows. To be guarded anybody may ask.
const (
	ChoiceOff      = "off"      // not to be watched
	ChoiceLearn    = "learn"    // never to be guarded
	ChoiceWindow   = "window"   // how long to be learned
	ChoiceDocument = "document" // which documents describe the workload
)

// Choices are all choices.
var Choices = []string{ChoiceOff, ChoiceLearn, ChoiceWindow, ChoiceDocument}

// bound removes the settings from s that the pods of a namespace may not choose, and
// returns an error for each.
func (s *Settings) bound(namespace string, rules []SettingsRule) []error {
	var errs []error
	allowed := func(choice, key string) bool {
		for _, r := range rules {
			if ok, _ := path.Match(r.Namespace, namespace); ok && slices.Contains(r.Allow, choice) {
				return true
			}
		}
		errs = append(errs, fmt.Errorf("%s: pods of namespace %s may not choose it (kubernetes.settings does not allow %s)", key, namespace, choice))
		return false
	}
	if s.Mode == ModeOff && !allowed(ChoiceOff, settingMode) || s.Mode == ModeLearn && !allowed(ChoiceLearn, settingMode) {
		s.Mode = ""
	}
	if s.Window != 0 && !allowed(ChoiceWindow, settingWindow) {
		s.Window = 0
	}
	if s.Document != "" && !allowed(ChoiceDocument, settingDocument) {
		s.Document = ""
	}
	return errs
}

// maxSetting bounds the value of a setting, in bytes.
const maxSetting = 253

// parseSettings reads the settings in texts; the first text that has a setting wins. It
// returns an error for each invalid setting, and ignores that setting.
func parseSettings(texts ...map[string]string) (Settings, []error) {
	var s Settings
	var errs []error
	for _, key := range settingKeys {
		for _, text := range texts {
			value, ok := text[key]
			if !ok {
				continue
			}
			if err := s.set(key, value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", key, err))
				continue
			}
			break
		}
	}
	return s, errs
}

// set reads one value; on an error it leaves s unchanged.
func (s *Settings) set(key, value string) error {
	if len(value) > maxSetting {
		return fmt.Errorf("value of %d bytes is longer than %d", len(value), maxSetting)
	}
	switch key {
	case settingMode:
		switch mode := Mode(value); mode {
		case ModeLearn, ModeGuard, ModeOff:
			s.Mode = mode
		default:
			return fmt.Errorf("%q is none of %s, %s, %s", value, ModeLearn, ModeGuard, ModeOff)
		}
	case settingWindow:
		window, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 30m or 24h", value)
		}
		if window < time.Second {
			return fmt.Errorf("%q is less than 1s", value)
		}
		s.Window = window
	case settingDocument:
		if value == "" {
			return errors.New("is empty")
		}
		s.Document = value
	}
	return nil
}
