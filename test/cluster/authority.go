package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// authority issues the cluster's certificates. Each goes to NAME.crt and its
// key to NAME.key in dir; its own is ca.crt.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(dir string) (*authority, error) {
	a := &authority{dir: dir}
	cert := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "bobwatch test"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	return a, a.sign("ca", cert)
}

// issue makes a certificate for a client called user in group, and for a
// server that is reached as one of hosts, which are names and addresses.
func (a *authority) issue(name, user, group string, hosts ...string) error {
	cert := &x509.Certificate{
		Subject:     pkix.Name{CommonName: user},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if group != "" {
		cert.Subject.Organization = []string{group}
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, host)
		}
	}
	return a.sign(name, cert)
}

// sign completes cert, signs it with the authority's key, which for its own
// certificate is the new one, and writes it.
func (a *authority) sign(name string, cert *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if a.cert == nil {
		a.cert, a.key = cert, key
	}
	cert.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return err
	}
	cert.NotBefore = time.Now().Add(-time.Hour)
	cert.NotAfter = time.Now().AddDate(0, 1, 0)
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return fmt.Errorf("issue certificate %s: %w", name, err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(a.certFile(name), "CERTIFICATE", der); err != nil {
		return err
	}
	return writePEM(a.keyFile(name), "EC PRIVATE KEY", secret)
}

func (a *authority) certFile(name string) string { return filepath.Join(a.dir, name+".crt") }
func (a *authority) keyFile(name string) string  { return filepath.Join(a.dir, name+".key") }

// kubeconfig issues a certificate for a client as issue does, and returns the
// path of a kubeconfig that uses it.
func (a *authority) kubeconfig(server, name, user, group string) (string, error) {
	if err := a.issue(name, user, group); err != nil {
		return "", err
	}
	config := api.NewConfig()
	config.Clusters["bobwatch"] = &api.Cluster{Server: server, CertificateAuthority: a.certFile("ca")}
	config.AuthInfos[name] = &api.AuthInfo{ClientCertificate: a.certFile(name), ClientKey: a.keyFile(name)}
	config.Contexts["bobwatch"] = &api.Context{Cluster: "bobwatch", AuthInfo: name}
	config.CurrentContext = "bobwatch"
	path := filepath.Join(a.dir, name+".kubeconfig")
	return path, clientcmd.WriteToFile(*config, path)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
