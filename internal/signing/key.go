package signing

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// PasswordVariable holds the passphrase of a key file, as it does for cosign.
const PasswordVariable = "COSIGN_PASSWORD"

// KeyPair makes a pair of keys.
type KeyPair struct {
	Terminal  *term.Terminal
	Algorithm string
}

// Generate makes NAME.key and NAME.pub.
func (o KeyPair) Generate(name string) error {
	private, public := name+".key", name+".pub"
	for _, path := range []string{private, public} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists and is not overwritten; choose another name, or remove it", path)
		}
	}
	key, err := signature.GenerateKey(signature.Algorithm(o.Algorithm))
	if err != nil {
		return term.UsageError(err.Error())
	}
	passphrase, err := newPassphrase()
	if err != nil {
		return err
	}
	secret, err := signature.MarshalPrivateKey(key, passphrase)
	if err != nil {
		return err
	}
	open, err := signature.MarshalPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := createFile(private, secret, 0o600); err != nil {
		return err
	}
	if err := createFile(public, open, 0o644); err != nil {
		return err
	}
	if len(passphrase) == 0 {
		fmt.Fprintln(o.Terminal.Err, "warning: the passphrase is empty and protects nothing")
	}
	fmt.Fprintf(o.Terminal.Out, "%s: keep it; sign with it: bobctl sign --key %s FILE\n%s: give it to everybody who verifies\n", private, private, public)
	return nil
}

// createFile writes a file that must not exist.
func createFile(path string, data []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// passphrase returns the passphrase of a key file that exists.
func passphrase() ([]byte, error) {
	if secret, ok := os.LookupEnv(PasswordVariable); ok {
		return []byte(secret), nil
	}
	return ask("Passphrase of the key: ")
}

// newPassphrase returns the passphrase for a key file that is to be made.
func newPassphrase() ([]byte, error) {
	if secret, ok := os.LookupEnv(PasswordVariable); ok {
		return []byte(secret), nil
	}
	first, err := ask("Passphrase for the new key: ")
	if err != nil {
		return nil, err
	}
	second, err := ask("Again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, errors.New("the passphrases differ")
	}
	return first, nil
}

func ask(prompt string) ([]byte, error) {
	return term.AskSecret(prompt, "set "+PasswordVariable)
}
