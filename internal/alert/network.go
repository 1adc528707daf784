package alert

import (
	"strings"

	"bobwatch/internal/profile"
)

// networkActs returns the flags of bobctl allow for the network entries of an allowance.
func networkActs(n *profile.Network) (acts [][]string) {
	acts = append(neighborActs("--egress", n.Egress), neighborActs("--ingress", n.Ingress)...)
	for _, port := range n.Listens {
		acts = append(acts, []string{"--listen", portWords(port)})
	}
	for _, name := range n.Sockets {
		acts = append(acts, []string{"--socket", name})
	}
	for _, path := range n.Unix {
		acts = append(acts, []string{"--unix", path})
	}
	return acts
}

func neighborActs(flag string, neighbors []profile.Neighbor) (acts [][]string) {
	for _, neighbor := range neighbors {
		for _, entity := range neighbor.Entities {
			for _, port := range neighbor.Ports {
				acts = append(acts, []string{flag, entity + "," + portWords(port)})
			}
		}
	}
	return acts
}

// portWords writes a port as bobctl allow reads it: TCP,443 or ICMP.
func portWords(p profile.Port) string {
	return strings.TrimSuffix(p.Protocol+","+p.Port, ",")
}
