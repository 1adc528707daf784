package builtin

import (
	"bobwatch/internal/rule"
)

// downloadTool: tools come in and data goes out by it.
var downloadTool = Rule{
	ID:    rule.DownloadTool,
	About: "an execution of `curl`, `wget`, `ssh`, `scp`, `rsync`, `ftp` and the like that the profile does not allow",
	Blind: "the same done by an interpreter; its connections are judged",
	Kinds: executions,
	Broken: func(a Act) bool {
		return downloadTools.runs(a.Event)
	},
}

var downloadTools = namesOf(
	"curl", "wget", "aria2c", "ftp", "tftp", "lftp", "scp", "sftp", "ssh", "rsync", "rclone", "aws", "gsutil", "az", "gcloud", "s3cmd", "mc",
)
