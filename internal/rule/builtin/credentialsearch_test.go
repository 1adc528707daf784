package builtin

import "testing"

func TestCredentialSearch(t *testing.T) {
	run(t, credentialSearch, tests{
		"find":   {exec("/usr/bin/find", "find\x00/\x00-name\x00id_rsa", 0), true},
		"grep":   {exec("/bin/grep", "grep\x00-r\x00BEGIN RSA PRIVATE KEY\x00/", 0), true},
		"search": {exec("/bin/grep", "grep\x00-r\x00hello", 0), false},
		"other":  {exec("/bin/ls", "ls\x00id_rsa", 0), false},
	})
}
