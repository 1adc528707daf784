package signature

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
)

// ErrForm is in the chain of errors about a file of a form that is not read. It
// says nothing about whether the signature is right.
var ErrForm = errors.New("wrong form of file")

var byteOrderMark = []byte("\ufeff")

// clean returns the content of a file without the byte order mark and the white space
// around it that some editors add. Neither can change the meaning of a key or a
// signature.
func clean(data []byte) ([]byte, error) {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(data, []byte(mark)) {
			return nil, fmt.Errorf("%w: UTF-16; save it as UTF-8", ErrForm)
		}
	}
	data = bytes.TrimPrefix(data, byteOrderMark)
	return bytes.TrimSpace(data), nil
}

// unwrap removes the line ends that base64(1) and mail put between the lines of
// a text, and blanks at the ends of lines. The rest is checked strictly.
func unwrap(text []byte) []byte {
	lines := bytes.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		lines[i] = bytes.Trim(line, " \t")
	}
	return bytes.Join(lines, nil)
}

// notPEM returns an error that says what a file holds in place of a key.
func notPEM(data []byte) error {
	what := "not a PEM file: a key file begins with -----BEGIN"
	switch {
	case len(data) == 0:
		what = "it is empty"
	case IsBundle(data):
		what = "it is JSON, such as a sigstore bundle, and no key"
	case bytes.HasPrefix(data, []byte("ssh-")) || bytes.HasPrefix(data, []byte("ecdsa-")):
		what = "it is a key of OpenSSH; write it as PEM: ssh-keygen -e -m pkcs8 -f FILE"
	case bytes.HasPrefix(data, []byte{0x30}):
		what = "it is DER; write it as PEM: openssl pkey -pubin -inform DER -in FILE"
	case bytes.Contains(data, []byte("-----BEGIN")) && !bytes.Contains(data, []byte("-----END")):
		what = "its end (-----END) is missing"
	case bytes.Contains(data, []byte("-----BEGIN")):
		what = "its PEM block is damaged"
	}
	return fmt.Errorf("%w: %s", ErrForm, what)
}

// trimLines removes blanks at both ends of lines, with which PEM is not read.
func trimLines(data []byte) []byte {
	lines := bytes.Split(bytes.ReplaceAll(data, []byte("\r"), []byte("\n")), []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.Trim(line, " \t")
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

// decodePEM returns the first block that is a key. Text around the block and
// headers in it are passed over.
func decodePEM(data []byte) (*pem.Block, error) {
	if len(data) > maxKeyBytes {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", len(data), maxKeyBytes)
	}
	data, err := clean(data)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(trimLines(data))
	if block != nil && block.Type == pemECParameters {
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return nil, notPEM(data)
	}
	return block, nil
}
