package builtin

import "testing"

func TestCredentialSearch(t *testing.T) {
	run(t, credentialSearch, tests{
		"find":                {exec("/usr/bin/find", "find\x00/\x00-name\x00id_rsa", 0), true},
		"grep":                {exec("/bin/grep", "grep\x00-r\x00BEGIN RSA PRIVATE KEY\x00/", 0), true},
		"search":              {exec("/bin/grep", "grep\x00-r\x00hello", 0), false},
		"other":               {exec("/bin/ls", "ls\x00id_rsa", 0), false},
		"setting":             {exec("/bin/grep", "grep\x00-q\x00password\x00app.conf", 0), false},
		"file name":           {exec("/bin/grep", "grep\x00-eroot\x00x\x00/etc/pam.d/common-password", 0), false},
		"directory left out":  {exec("/usr/bin/find", "find\x00/\x00-not\x00-path\x00*/shadow/*", 0), false},
		"named directory":     {exec("/usr/bin/find", "find\x00/run/x\x00-name\x00*password*", 0), false},
		"name left out":       {exec("/usr/bin/find", "find\x00/\x00-not\x00-name\x00*password*", 0), false},
		"hashes":              {exec("/bin/grep", "grep\x00root\x00/etc/shadow", 0), true},
		"recursive":           {exec("/bin/grep", "grep\x00-r\x00password\x00/", 0), true},
		"recursive, joined":   {exec("/bin/grep", "grep\x00-inR\x00password\x00/srv", 0), true},
		"recursive, long":     {exec("/bin/grep", "grep\x00--recursive\x00password", 0), true},
		"whole tree":          {exec("/usr/bin/find", "find\x00/\x00-iname\x00*password*", 0), true},
		"recursive by itself": {exec("/usr/bin/rg", "rg\x00password", 0), true},
		"hashes by path":      {exec("/usr/bin/find", "find\x00/etc\x00-name\x00x\x00-o\x00-path\x00/etc/shadow", 0), true},
	})
}
