package builtin

import (
	"bobwatch/internal/rule"
)

// cryptoMiner: a miner is the most frequent load of an attack on containers.
var cryptoMiner = Rule{
	ID:    rule.CryptoMiner,
	About: "an execution of a miner by its name, or with an address of the protocol stratum or the options of a miner among its arguments",
	Blind: "a miner with another name that takes its pool from a file",
	Kinds: executions,
	Broken: func(a Act) bool {
		return miners.runs(a.Event) || holds(a.Event.Args, minerArguments)
	},
}

var miners = namesOf(
	"xmrig", "xmr-stak", "xmr-stak-cpu", "minerd", "cpuminer", "cpuminer-multi", "ccminer", "ethminer", "cgminer",
	"bfgminer", "nbminer", "t-rex", "phoenixminer", "lolminer", "teamredminer", "gminer", "kinsing", "kdevtmpfsi", "srbminer-multi",
)

var minerArguments = wordsOf(
	"stratum+tcp://", "stratum+ssl://", "stratum+udp://", "stratum2+tcp://", "stratum1+tcp://",
	"--donate-level", "--nicehash", "--randomx-", "--coin=monero", "--coin\x00monero", "--algo=rx/", "-a\x00rx/0", "--cpu-max-threads-hint",
)
