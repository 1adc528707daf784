package main

// observationHelp is common to the help of trace, record and summary.
const observationHelp = `
bobctl observes either CMD, a program that it starts in its own cgroup, with all
child processes; or a container, pod, workload or service that runs on this
machine already. Containers of a pod or workload that start later are observed
too, from their start.

bobctl needs root, or cap_bpf and cap_perfmon. It does not disturb an agent on the
same machine. On a node of a cluster, run the agent's own copy:
kubectl exec ds/bobwatch -- /bobctl ...`
