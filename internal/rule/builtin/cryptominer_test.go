package builtin

import "testing"

func TestCryptoMiner(t *testing.T) {
	run(t, cryptoMiner, tests{
		"name":      {exec("/tmp/xmrig", "xmrig", 0), true},
		"pool":      {exec("/tmp/x", "x\x00-o\x00stratum+tcp://pool.example:3333", 0), true},
		"algorithm": {exec("/tmp/x", "x\x00-a\x00rx/0", 0), true},
		"other":     {exec("/usr/bin/ls", "ls\x00/xmrig", 0), false},
	})
}
