package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// Spellings that editors and other tools leave change nothing.
func TestSpellings(t *testing.T) {
	key, err := GenerateKey(ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	private, err := MarshalPrivateKey(key, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	canonical := []byte(`{"a":1}`)
	s, err := Sign(key, canonical)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(end, suffix string) func([]byte) []byte {
		return func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), "\n", suffix+end)) }
	}
	spellings := map[string]func([]byte) []byte{
		"as it is":           func(b []byte) []byte { return b },
		"byte order mark":    func(b []byte) []byte { return append([]byte("\ufeff"), b...) },
		"CRLF":               lines("\r\n", ""),
		"old Macintosh":      lines("\r", ""),
		"trailing blanks":    lines("\n", " \t"),
		"no newline":         func(b []byte) []byte { return bytes.TrimRight(b, "\n") },
		"empty lines behind": func(b []byte) []byte { return append(bytes.Clone(b), "\n\r\n \n"...) },
		"empty lines before": func(b []byte) []byte { return append([]byte("\n \r\n"), b...) },
		"all of it": func(b []byte) []byte {
			return append([]byte("\ufeff\r\n"), append(lines("\r\n", " ")(b), "\r\n"...)...)
		},
	}
	for name, spell := range spellings {
		t.Run(name, func(t *testing.T) {
			if got, err := ParsePublicKey(spell(public)); err != nil || !reflect.DeepEqual(got, key.Public()) {
				t.Errorf("ParsePublicKey: %v", err)
			}
			if _, err := ParsePrivateKey(spell(private), func() ([]byte, error) { return []byte("x"), nil }); err != nil {
				t.Errorf("ParsePrivateKey: %v", err)
			}
			verifier, err := NewVerifier(Policy{Authorities: []Authority{{Name: "a", Key: string(spell(public)), Workloads: []Scope{{Namespace: "*", Name: "*"}}}}})
			if err != nil {
				t.Fatal(err)
			}
			for form, file := range map[string][]byte{"bundle": s.Bundle(), "plain": append(s.Plain(), '\n'), "wrapped": wrap(s.Plain(), 76), "narrow": wrap(s.Plain(), 20)} {
				if _, err := verifier.Verify(Document{Canonical: canonical, Signatures: [][]byte{spell(file)}}); err != nil {
					t.Errorf("Verify by a %s signature: %v", form, err)
				}
				_, err := verifier.Verify(Document{Canonical: []byte(`{"a":2}`), Signatures: [][]byte{spell(file)}})
				if !errors.Is(err, ErrSignature) || errors.Is(err, ErrForm) {
					t.Errorf("Verify of another document by a %s signature: %v, want %v", form, err, ErrSignature)
				}
			}
		})
	}
	withText := append([]byte("# our key\n"), pem.EncodeToMemory(&pem.Block{
		Type: pemPublic, Headers: map[string]string{"Comment": "ours"}, Bytes: decoded(t, public),
	})...)
	if _, err := ParsePublicKey(withText); err != nil {
		t.Errorf("a key with a comment and headers: %v", err)
	}
}

func wrap(text []byte, width int) []byte {
	var b bytes.Buffer
	for len(text) > width {
		b.Write(text[:width])
		b.WriteByte('\n')
		text = text[width:]
	}
	b.Write(text)
	b.WriteByte('\n')
	return b.Bytes()
}

func decoded(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM")
	}
	return block.Bytes
}

// A file of another form is said to be one, rather than to be tampered with.
func TestWrongForms(t *testing.T) {
	for text, want := range map[string]string{
		"": "it is empty", "\ufeff \n": "it is empty", "{}": "JSON", "hello": "not a PEM file",
		"ssh-ed25519 AAAA me": "OpenSSH", "\x30\x59": "DER", "\xff\xfe-\x00": "UTF-16",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n":                             "-----END",
		"-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n":   "damaged",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": `"CERTIFICATE"`,
	} {
		if _, err := ParsePublicKey([]byte(text)); !errors.Is(err, ErrForm) || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePublicKey(%q) = %v, want an error of form with %q", text, err, want)
		}
	}
	verifier, err := NewVerifier(Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"\n": "it is empty", "AAAA=A": "not base64", "{": "parse bundle", "\xfe\xff\x00{": "UTF-16",
		base64.StdEncoding.EncodeToString([]byte("x")) + "!": "not base64",
	} {
		_, err := verifier.Verify(Document{Canonical: []byte("{}"), Signatures: [][]byte{[]byte(text)}})
		if !errors.Is(err, ErrForm) || !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), want) {
			t.Errorf("Verify by %q = %v, want an error of form with %q", text, err, want)
		}
	}
}
