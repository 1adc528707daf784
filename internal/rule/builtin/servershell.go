package builtin

import (
	"bobwatch/internal/interpreter"
	"bobwatch/internal/rule"
)

// serverShell: a web server that starts a shell probably runs a command from a request.
var serverShell = Rule{
	ID:    rule.ServerShell,
	About: "a shell or a script language whose parent or grandparent is a web server, that the profile does not allow",
	Blind: "a server with another name",
	Kinds: executions,
	Broken: func(a Act) bool {
		return interpreter.Is(a.Event.Path, a.Event.Args) && webServers.ancestor(a.Event, 2)
	},
}

var webServers = namesOf(
	"apache2", "httpd", "nginx", "php-fpm", "caddy", "lighttpd", "traefik", "haproxy", "node", "java", "tomcat", "gunicorn", "uwsgi", "puma", "unicorn", "envoy", "openresty",
)
