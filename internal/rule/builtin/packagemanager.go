package builtin

import (
	"bobwatch/internal/rule"
)

// packageManager: programs that are installed into a running container are not those of the image.
var packageManager = Rule{
	ID:    rule.PackageManager,
	About: "an execution of `apt`, `apk`, `dnf`, `pip`, `npm` and the like that the profile does not allow",
	Blind: "a package that is unpacked by other programs",
	Kinds: executions,
	Broken: func(a Act) bool {
		return packageManagers.runs(a.Event)
	},
}

var packageManagers = namesOf(
	"apt", "apt-get", "aptitude", "dpkg", "yum", "dnf", "microdnf", "tdnf", "rpm", "zypper", "apk", "pacman", "opkg", "pip", "pip3", "npm", "yarn", "pnpm", "gem", "cpan", "cargo", "snap", "brew", "conda",
)
