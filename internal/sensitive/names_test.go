package sensitive

import "testing"

func TestNames(t *testing.T) {
	tests := map[string]struct{ code, config, odd bool }{
		"/data/uploads/a.jpg":                      {},
		"/data/uploads/O'Brien & Sons (1).pdf":     {},
		"/data/uploads/r\xe9sum\xe9.pdf":           {},
		"/data/jetstream/$G/streams/a/1.blk":       {},
		"/data/uploads/a$b.txt":                    {},
		"/data/uploads/$(id).txt":                  {odd: true},
		"/data/uploads/`id`":                       {odd: true},
		"/data/uploads/a;b":                        {odd: true},
		"/data/uploads/a\nb":                       {odd: true},
		"/data/uploads/x.jspx":                     {code: true},
		"/data/uploads/x.phar":                     {code: true},
		"/var/jenkins_home/init.groovy.d/a.groovy": {code: true},
		"/var/jenkins_home/plugins/a.jpi":          {code: true},
		"/data/lib/libx.so.1":                      {code: true},
		"/home/app/.bashrc":                        {config: true},
		"/home/app/.ssh/authorized_keys":           {config: true},
		"/srv/git/a.git/hooks/post-receive":        {config: true},
		"/data/app.conf":                           {config: true},
		"/data/profile":                            {},
	}
	for path, want := range tests {
		p := []byte(path)
		if got := IsCode(p); got != want.code {
			t.Errorf("IsCode(%q) = %t", path, got)
		}
		if got := IsConfiguration(p); got != want.config {
			t.Errorf("IsConfiguration(%q) = %t", path, got)
		}
		if got := IsOdd(p); got != want.odd {
			t.Errorf("IsOdd(%q) = %t", path, got)
		}
	}
}
