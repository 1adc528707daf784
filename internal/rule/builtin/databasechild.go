package builtin

import (
	"bobwatch/internal/rule"
)

// databaseChild: a database that starts a program probably does so for a query.
var databaseChild = Rule{
	ID:    rule.DatabaseChild,
	About: "a program whose parent is a database server, that the profile does not allow",
	Blind: "code in the process of the database",
	Kinds: executions,
	Broken: func(a Act) bool {
		return databases.ancestor(a.Event, 1)
	},
}

var databases = namesOf(
	"postgres", "mysqld", "mariadbd", "mongod", "redis-server", "valkey-server", "sqlservr", "clickhouse-serv", "cockroach", "memcached", "influxd", "couchdb",
)
