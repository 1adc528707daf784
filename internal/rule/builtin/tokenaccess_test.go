package builtin

import "testing"

func TestTokenAccess(t *testing.T) {
	run(t, tokenAccess, tests{
		"token":          {open("/run/secrets/kubernetes.io/serviceaccount/token", read), true},
		"its generation": {open("/run/secrets/kubernetes.io/serviceaccount/..2025_11_21/token", read), true},
		"of a cloud":     {open("/var/run/secrets/eks.amazonaws.com/serviceaccount/token", read), true},
		"certificate":    {open("/run/secrets/kubernetes.io/serviceaccount/ca.crt", read), false},
		"another token":  {open("/srv/token", read), false},
	})
}
