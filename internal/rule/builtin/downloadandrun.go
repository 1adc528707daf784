package builtin

import (
	"bobwatch/internal/interpreter"
	"bobwatch/internal/rule"
)

// downloadAndRun: a program that is fetched and run at once never was part of an image.
var downloadAndRun = Rule{
	ID:    rule.DownloadAndRun,
	About: "an interpreter with code that pipes `curl` or `wget` into a shell or makes the download executable",
	Blind: "a download and an execution by separate commands, which R1001 reports",
	Kinds: executions,
	Broken: func(a Act) bool {
		return interpreter.Is(a.Event.Path, a.Event.Args) && holds(a.Event.Args, downloaders) && holds(a.Event.Args, runners)
	},
}

var (
	downloaders = wordsOf("curl ", "wget ", "fetch ")
	runners     = wordsOf("| sh", "|sh", "| bash", "|bash", "| /bin/sh", "| /bin/bash", "| python", "|python", "| perl", "chmod +x", "chmod 7", "chmod a+x", "eval ")
)
