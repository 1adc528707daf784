package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// passwordVariable holds the passphrase of a key file, as it does for cosign.
const passwordVariable = "COSIGN_PASSWORD"

func newKeyCommand(t *term.Terminal) *cobra.Command {
	c := newGroup(&cobra.Command{
		Use:   "key",
		Short: "Make keys that sign documents",
	})
	c.AddCommand(newKeyGenerateCommand(t))
	return c
}

type keyOptions struct {
	terminal  *term.Terminal
	algorithm string
}

func newKeyGenerateCommand(t *term.Terminal) *cobra.Command {
	o := keyOptions{terminal: t}
	c := &cobra.Command{
		Use:   "generate NAME",
		Short: "Make a key pair",
		Long: `Make a key pair: NAME.key, encrypted in cosign's format, and NAME.pub.

bobctl asks for the passphrase, or takes it from COSIGN_PASSWORD. It does not
overwrite files. Keep NAME.key secret, and give NAME.pub to everybody who verifies documents.`,
		Example: `  bobctl key generate vendor
  COSIGN_PASSWORD=$(pass show vendor) bobctl key generate vendor`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return term.Usagef("want one NAME, got %d", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runKeyGenerate(c.Context(), o, args[0]) },
	}
	c.Flags().StringVar(&o.algorithm, "algorithm", string(signature.ECDSAP256), "`ALGORITHM`: ecdsa-p256 or ed25519, which cosign supports in part only")
	return c
}

func runKeyGenerate(_ context.Context, o keyOptions, name string) error {
	private, public := name+".key", name+".pub"
	for _, path := range []string{private, public} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists and is not overwritten; choose another name, or remove it", path)
		}
	}
	key, err := signature.GenerateKey(signature.Algorithm(o.algorithm))
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
		fmt.Fprintln(o.terminal.Err, "warning: the passphrase is empty and protects nothing")
	}
	fmt.Fprintf(o.terminal.Out, "%s: keep it; sign with it: bobctl sign --key %s FILE\n%s: give it to everybody who verifies\n", private, private, public)
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
	if secret, ok := os.LookupEnv(passwordVariable); ok {
		return []byte(secret), nil
	}
	return ask("Passphrase of the key: ")
}

// newPassphrase returns the passphrase for a key file that is to be made.
func newPassphrase() ([]byte, error) {
	if secret, ok := os.LookupEnv(passwordVariable); ok {
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
	return term.AskSecret(prompt, "set "+passwordVariable)
}
