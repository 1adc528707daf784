package main

// observationHelp is what the help of these commands has in common.
const observationHelp = `
What is observed is a program that bobctl starts, CMD, in a cgroup of its own
and with everything that it starts in turn; or what runs on this machine already:
a container, a pod, a workload, a service. Containers of a pod or workload that
start later are observed too, from their start.

It takes root, or cap_bpf and cap_perfmon. An agent that runs on the same machine
is not disturbed. On a node of a cluster, call the agent's own copy:
kubectl exec ds/bobwatch -- /bobctl ...`
