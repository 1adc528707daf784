package redact

import (
	"bytes"
	"strings"
	"testing"
)

func TestArgs(t *testing.T) {
	// Arguments are divided by |. What is between « and » has to be replaced.
	tests := map[string]string{
		"option":               "app|--password=«hunter2 !»|-v",
		"option, two words":    "app|--db-password|«hunter2»|-v",
		"option without value": "app|--password|--verbose|plain",
		"camel case":           "app|-Dspring.datasource.dbPassword=«hunter2»",
		"redis":                "redis-server|--requirepass|«hunter2»",
		"redis-cli":            "redis-cli|-a|«hunter2»|PING",
		"mysql":                "/usr/bin/mysql|-u|root|-p«hunter2»|shop",
		"another -p":           "ssh|-p2222|host",
		"sshpass":              "sshpass|-p|«hunter2»|ssh|host",
		"environment":          "env|PGPASSWORD=«hunter2»|psql",
		"code":                 "sh|-c|PGPASSWORD=«hunter2» psql -h db && mysql -p«hunter2» x",
		"code, quoted":         `sh|-c|app --token "«hunter2»" --user joe`,
		"code, variable":       "sh|-c|mysql -p$MYSQL_PASSWORD -h ${HOST}",
		"url":                  "app|postgres://joe:«hunter2»@db:5432/shop?sslmode=off",
		"url without password": "app|http://db:5432/x@y",
		"query":                "curl|https://api/x?token=«hunter2»&page=2",
		"basic":                "curl|-u|joe:«hunter2»|https://api",
		"basic, attached":      "curl|-ujoe:«hunter2»|https://api",
		"user and group":       "docker|run|-u|1000:1000|nginx",
		"bearer":               "curl|-H|Authorization: Bearer «hunter2hunter2»|https://api",
		"header":               "curl|-H|X-Api-Key: «hunter2»",
		"json":                 `app|{"user":"joe","password":"«hunter2»","n":1}`,
		"literal":              "kubectl|create|secret|--from-literal=user=«joe»|--from-literal|x=«y»",
		"openssl":              "openssl|rsa|-passin|pass:«hunter2»",
		"jwt":                  "app|-t|«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJleGFtcGxlIn0.c2lnbmF0dXJl»",
		"github":               "git|clone|https://«ghp_0123456789abcdefghij0123456789abcdef»@github.com/x",
		"slack in code":        "sh|-c|post «xoxb-0123456789-0123456789abcdef»; true",
		"pem":                  "app|--key|«-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----»",
		"file of a password":   "app|--password-file=/run/secrets/db|--token-ttl=3600|--secret-name|db",
		"words":                "app|token|--tokenizer=x|secretary|pass:|/etc/secret/x:ro",
		"redacted":             "app|--password=<redacted>|--token|⋯|--secret=$(db)",
		"nothing":              "",
		"empty arguments":      "app|||--password=|",
	}
	var r Redactor
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			raw := strings.NewReplacer("|", "\x00", "«", "", "»", "").Replace(tt)
			want, hidden := "", 0
			for i, part := range strings.Split(strings.ReplaceAll(tt, "|", "\x00"), "«") {
				if i > 0 {
					_, rest, _ := strings.Cut(part, "»")
					part = Placeholder + rest
					hidden++
				}
				want += part
			}
			got, found := r.Args(nil, []byte(raw))
			if string(got) != want || found != (hidden > 0) {
				t.Errorf("Args:\n got %q, %t\nwant %q", got, found, want)
			}
			again, found := r.Args(nil, got)
			if found || !bytes.Equal(again, got) {
				t.Errorf("what is redacted is redacted again: %q", again)
			}
			buffer := make([]byte, 0, 4096)
			line := []byte(raw)
			if n := testing.AllocsPerRun(20, func() { r.Args(buffer, line) }); n != 0 {
				t.Errorf("got %v allocations, want 0", n)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	r, err := New([]string{`ACME-(\d+)`, `^internal$`})
	if err != nil {
		t.Fatal(err)
	}
	got, found := r.Args(nil, []byte("app\x00xACME-42y\x00internal\x00external"))
	if want := "app\x00xACME-<redacted>y\x00<redacted>\x00external"; string(got) != want || !found {
		t.Errorf("got %q, %t, want %q", got, found, want)
	}
	for _, bad := range []string{"(", ".*", ""} {
		if _, err := New([]string{bad}); err == nil {
			t.Errorf("New(%q): got no error", bad)
		}
	}
	if _, err := New(make([]string, maxPatterns+1)); err == nil {
		t.Error("too many patterns: got no error")
	}
}

func TestArgument(t *testing.T) {
	var r Redactor
	if got, found := r.Argument([]string{"app", "--token"}, "hunter2"); got != Placeholder || !found {
		t.Errorf("got %q, %t", got, found)
	}
	if got, found := r.Argument([]string{"app"}, "hunter2"); got != "hunter2" || found {
		t.Errorf("got %q, %t", got, found)
	}
}

// Whatever the bytes: as many arguments as before, and nothing left to replace.
func FuzzArgs(f *testing.F) {
	for _, seed := range []string{
		"app\x00--password=x\x00-u\x00a:b", "sh\x00-c\x00PGPASSWORD='x' mysql -px", `{"token":"a"}`, "://:@", "--password\x00\x00",
		"Authorization: Bearer x", "eyJa.b", "-----BEGIN PRIVATE KEY-----", "--from-literal==", "=:=:\"'=",
	} {
		f.Add([]byte(seed))
	}
	var r Redactor
	f.Fuzz(func(t *testing.T, args []byte) {
		before := bytes.Clone(args)
		got, found := r.Args(nil, args)
		if !bytes.Equal(args, before) {
			t.Fatal("the arguments were changed in place")
		}
		if bytes.Count(got, []byte{0}) != bytes.Count(args, []byte{0}) {
			t.Errorf("%q became %q: another number of arguments", args, got)
		}
		if !found && !bytes.Equal(got, args) {
			t.Errorf("%q became %q, although nothing was found", args, got)
		}
		if len(got) > len(args)*(len(Placeholder)+1) {
			t.Errorf("%d bytes became %d", len(args), len(got))
		}
	})
}

func BenchmarkArgs(b *testing.B) {
	var r Redactor
	line := []byte(strings.Repeat("java\x00-Xmx512m\x00-Dname=value\x00/opt/app/lib/x.jar\x00", 8))
	b.ReportAllocs()
	for b.Loop() {
		r.Args(nil, line)
	}
}
