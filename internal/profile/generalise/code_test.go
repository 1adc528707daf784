package generalise

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bobwatch/internal/glob"
)

// Each command is learned with thirty pieces of code, and then tried with code
// of an intruder.
func TestCodeIsNeverGeneralised(t *testing.T) {
	tests := map[string]struct{ path, line string }{
		"shell":                     {"/bin/bash", "bash|-c|%s"},
		"shell, option before":      {"/bin/bash", "bash|-e|-c|%s"},
		"shell, option after":       {"/bin/bash", "bash|-c|-e|%s"},
		"shell, end of options":     {"/bin/bash", "bash|-c|--|%s"},
		"shell, operand":            {"/bin/bash", "bash|-o|pipefail|-c|%s"},
		"shell, joined operand":     {"/bin/bash", "bash|-euo|pipefail|-c|%s"},
		"shell, operand and code":   {"/bin/bash", "bash|-euoc|pipefail|%s"},
		"shell, operand joined":     {"/bin/zsh", "zsh|-opipefail|-c|%s"},
		"shell, option off":         {"/bin/bash", "bash|+o|posix|-c|%s"},
		"shell, word":               {"/bin/bash", "bash|--norc|-c|%s"},
		"shell, word and operand":   {"/bin/bash", "bash|--rcfile|/x|-c|%s"},
		"shell, unknown word":       {"/bin/bash", "bash|--unknown|x|-c|%s"},
		"login shell":               {"/usr/bin/other", "-bash|-c|%s"},
		"fish":                      {"/usr/bin/fish", "fish|--command=%s"},
		"php":                       {"/usr/bin/php8.2", "php|-d|memory_limit=1G|-r|%s"},
		"php, joined":               {"/usr/bin/php", "php|-dmemory_limit=1G|-r%s"},
		"php, word":                 {"/usr/bin/php", "php|--define|a=b|--run|%s"},
		"python":                    {"/usr/bin/python3.11", "python3|-W|ignore|-c|%s"},
		"python, joined":            {"/usr/bin/python3.11", "python3|-Wignore|-Ic%s"},
		"perl, module":              {"/usr/bin/perl", "perl|-MData::Dumper|-e|%s"},
		"perl, in place":            {"/usr/bin/perl", "perl|-pi.bake|-e|%s"},
		"perl, record":              {"/usr/bin/perl", "perl|-0777|-lne|%s"},
		"perl, twice":               {"/usr/bin/perl", "perl|-e|1;|-e|%s"},
		"ruby":                      {"/usr/bin/ruby3.1", "ruby|-r|json|-e|%s"},
		"node":                      {"/usr/bin/node", "node|-r|x|-e|%s"},
		"node, both":                {"/usr/bin/node", "node|-pe|%s"},
		"node, word":                {"/usr/bin/node", "node|--eval|%s"},
		"node, joined":              {"/usr/bin/node", "node|--print=%s"},
		"node, unknown word":        {"/usr/bin/node", "node|--unknown|x|--eval|%s"},
		"lua":                       {"/usr/bin/lua5.4", "lua|-l|x|-e|%s"},
		"awk":                       {"/usr/bin/mawk", "awk|%s"},
		"awk, separator":            {"/usr/bin/gawk", "awk|-F|:|-v|x=1|%s"},
		"awk, source":               {"/usr/bin/gawk", "gawk|--source=%s"},
		"su":                        {"/bin/su", "su|postgres|-c|%s"},
		"su, login":                 {"/bin/su", "su|-|postgres|-c|%s"},
		"su, word":                  {"/bin/su", "su|-s|/bin/sh|postgres|--command=%s"},
		"su, joined":                {"/bin/su", "su|postgres|-c%s"},
		"su, shell's own":           {"/bin/su", "su|postgres|--|-c|%s"},
		"runuser":                   {"/sbin/runuser", "runuser|-u|app|--|sh|-c|%s"},
		"busybox by its first word": {"/bin/busybox", "busybox|sh|-c|%s"},
		"busybox by its name":       {"/bin/busybox", "sh|-o|pipefail|-c|%s"},
		"env":                       {"/usr/bin/env", "env|bash|-c|%s"},
		"env with variables":        {"/usr/bin/env", "env|-i|-u|X|A=b|bash|-c|%s"},
		"env splits":                {"/usr/bin/env", "env|-S|%s"},
		"busybox env":               {"/bin/busybox", "busybox|env|python3|-c|%s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var commands [][]string
			for i := range 30 {
				code := "a" + strings.Repeat("x", i) + "(1)"
				commands = append(commands, strings.Split(fmt.Sprintf(tt.line, code), "|"))
			}
			patterns := Args(tt.path, commands, DefaultThresholds())
			attack := strings.Split(fmt.Sprintf(tt.line, "system(evil)"), "|")
			for _, pattern := range patterns {
				if glob.CoversArgs(pattern, attack) {
					t.Fatalf("%q lets %q in", pattern, attack)
				}
			}
		})
	}
}

// No pattern for what is not code may stand for an option that takes code.
func TestCodeDoesNotComeInAsAnOption(t *testing.T) {
	tests := map[string]struct{ path, line, attack string }{
		"shell":           {"/bin/sh", "sh|%s.sh", "sh|-cid"},
		"su":              {"/bin/su", "su|%s", "su|-cid"},
		"su, after":       {"/bin/su", "su|-c|id|%s", "su|-c|id|-cevil"},
		"perl":            {"/usr/bin/perl", "perl|-e|1|%s", "perl|-e|1|-eevil"},
		"node":            {"/usr/bin/node", "node|--unknown|x|%s", "node|--unknown|x|--eval=evil"},
		"env":             {"/usr/bin/env", "env|%s", "env|-Ssh -c id"},
		"option by value": {"/usr/bin/node", "node|--title=0b9c2a7e-7f1d-4a58-9d6c-0d8c3c1a2b3c|%s", "node|--eval=evil|x"},
		"words":           {"/usr/bin/perl", "perl|%s a", "perl|-e a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var commands [][]string
			for i := range 30 {
				commands = append(commands, strings.Split(fmt.Sprintf(tt.line, strings.Repeat("x", i+1)), "|"))
			}
			attack := strings.Split(tt.attack, "|")
			for _, pattern := range Args(tt.path, commands, DefaultThresholds()) {
				if glob.CoversArgs(pattern, attack) {
					t.Fatalf("%q lets %q in", pattern, attack)
				}
			}
		})
	}
}

// What is no code varies as it does for any other program.
func TestArgumentsBesideCodeVary(t *testing.T) {
	tests := map[string]struct{ path, line, want string }{
		"script":           {"/bin/sh", "sh|/run.sh|%s", "sh|/run.sh|⋯"},
		"script, operand":  {"/bin/bash", "bash|-euo|pipefail|/run.sh|%s", "bash|-euo|pipefail|/run.sh|⋯"},
		"behind code":      {"/bin/sh", "sh|-c|exec \"$@\"|sh|%s", "sh|-c|exec \"$@\"|sh|⋯"},
		"python":           {"/usr/bin/python3", "python3|-c|import x|%s", "python3|-c|import x|⋯"},
		"python module":    {"/usr/bin/python3", "python3|-m|http.server|%s", "python3|-m|http.server|⋯"},
		"perl module":      {"/usr/bin/perl", "perl|-Mstrict|/x.pl|%s", "perl|-Mstrict|/x.pl|⋯"},
		"awk":              {"/usr/bin/awk", "awk|{print}|%s", "awk|{print}|⋯"},
		"awk with a file":  {"/usr/bin/awk", "awk|-f|/x.awk|/data|%s", "awk|-f|/x.awk|/data|⋯"},
		"busybox":          {"/bin/busybox", "busybox|ping|%s", "busybox|ping|⋯"},
		"env":              {"/usr/bin/env", "env|A=b|ping|%s", "env|A=b|ping|⋯"},
		"temporary script": {"/bin/sh", "sh|/tmp/tmp.Zm4q2LkKx0/run.sh|%s", "sh|/tmp/⋯/run.sh|⋯"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var commands [][]string
			for i := range 10 {
				commands = append(commands, strings.Split(fmt.Sprintf(tt.line, strings.Repeat("x", i+1)), "|"))
			}
			got := Args(tt.path, commands, DefaultThresholds())
			if len(got) != 1 || !slices.Equal(got[0], strings.Split(tt.want, "|")) {
				t.Errorf("GeneraliseArgs = %q, want %q", got, tt.want)
			}
		})
	}
}

// A word that is a command to whoever runs it may not be another one.
func TestWordsThatRunStayLiteral(t *testing.T) {
	tests := map[string]struct{ line, attack string }{
		"timeout":          {"timeout 5 %s", "timeout 5 evil"},
		"timeout, options": {"timeout -k 5 10 %s", "timeout -k 5 10 evil"},
		"sudo":             {"sudo -u app %s", "sudo -u app evil"},
		"env":              {"env A=b %s", "env A=b evil"},
		"nice":             {"nice -n 5 %s x", "nice -n 5 evil x"},
		"xargs":            {"ls | xargs -n 1 %s", "ls | xargs -n 1 evil"},
		"find":             {"find / -exec %s x", "find / -exec evil x"},
		"ssh":              {"ssh host %s", "ssh host evil"},
		"path":             {"/usr/bin/timeout 5 %s", "/usr/bin/timeout 5 evil"},
		"shell":            {"sh -c %s", "sh -c evil"},
		"shell, options":   {"bash -o pipefail -c %s", "bash -o pipefail -c evil"},
		"script":           {"sh %s x", "sh -cevil x"},
		"source":           {". %s", ". evil"},
		"behind operator":  {"cd / && timeout 5 %s", "cd / && timeout 5 evil"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var commands [][]string
			for i := range 10 {
				commands = append(commands, []string{"sh", "-c", fmt.Sprintf(tt.line, strings.Repeat("x", i+1))})
			}
			for _, pattern := range Args("/bin/sh", commands, DefaultThresholds()) {
				if glob.CoversArgs(pattern, []string{"sh", "-c", tt.attack}) {
					t.Fatalf("%q lets %q in", pattern, tt.attack)
				}
			}
		})
	}
}

// What follows the next operator, and a script's own arguments, vary.
func TestWordsBesideCommandsVary(t *testing.T) {
	for line, want := range map[string]string{
		"timeout 5 a; ping %s":     "timeout 5 a; ping ⋯",
		"sudo a && ping -c 4 %s x": "sudo a && ping -c 4 ⋯ x",
		"sh run.sh %s":             "sh run.sh ⋯",
	} {
		commands := [][]string{{"sh", "-c", fmt.Sprintf(line, "x")}, {"sh", "-c", fmt.Sprintf(line, "y")}}
		got := Args("/bin/sh", commands, DefaultThresholds())
		if len(got) != 1 || got[0][2] != want {
			t.Errorf("%s: GeneraliseArgs = %q, want %q", line, got, want)
		}
	}
}
