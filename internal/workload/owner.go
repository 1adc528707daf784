package workload

import "strings"

// Labels that Kubernetes' controllers put on the pods they make.
const (
	labelTemplateHash   = "pod-template-hash"                  // ReplicaSets of a Deployment
	labelStatefulPod    = "statefulset.kubernetes.io/pod-name" // StatefulSet
	labelPodIndex       = "apps.kubernetes.io/pod-index"       // StatefulSet, 1.28
	labelRevisionHash   = "controller-revision-hash"           // DaemonSet and StatefulSet
	labelJob            = "batch.kubernetes.io/job-name"       // Job, 1.27
	labelJobOld         = "job-name"
	labelWorkload       = "bobwatch/workload"
	labelNerdctlName    = "nerdctl/name"
	labelComposeService = "com.docker.compose.service"
)

// Kubernetes makes a pod's name from at most 58 bytes of its controller's and
// 5 random characters (k8s.io/apiserver/pkg/storage/names).
const (
	podNameLength = 63
	podSuffix     = 5
)

// cronJobDigits is the length of the minutes since 1970 that a CronJob appends
// to the names of its Jobs; it is 8 from 1989 to 2160.
const cronJobDigits = 8

// podOwner finds a pod's top owner by its name and labels, without asking the API server.
// The author of the pod chose the labels, so they can lie, but only within the pod's
// namespace. If name and labels do not fit together, the owner is the Pod itself.
func podOwner(pod string, labels map[string]string) Owner {
	if job := first(labels, labelJob, labelJobOld); job != "" && strings.HasPrefix(pod, job[:min(len(job), podNameLength-podSuffix)]) {
		return jobOwner(job)
	}
	if labels[labelStatefulPod] == pod || has(labels, labelPodIndex) {
		if name, ordinal, ok := cutLast(pod, '-'); ok && digits(ordinal) {
			return Owner{Kind: "StatefulSet", Name: name}
		}
	}
	base, ok := generatedFrom(pod)
	if !ok {
		return Owner{Kind: "Pod", Name: pod}
	}
	if hash := labels[labelTemplateHash]; hash != "" {
		return templateOwner(base, hash)
	}
	if has(labels, labelRevisionHash) {
		return Owner{Kind: "DaemonSet", Name: strings.TrimSuffix(base, "-")}
	}
	return Owner{Kind: "Pod", Name: pod}
}

// generatedFrom returns a pod's name without its random end. The result ends with a dash
// unless it was cut to the maximal length.
func generatedFrom(pod string) (string, bool) {
	if len(pod) <= podSuffix {
		return "", false
	}
	base := pod[:len(pod)-podSuffix]
	return base, strings.HasSuffix(base, "-") || len(pod) == podNameLength
}

// templateOwner finds the Deployment from "<deployment>-<hash>-". If a long name cut the
// hash short, the rest of the hash is enough; if no hash is left, only the ReplicaSet's
// shortened name is known.
func templateOwner(base, hash string) Owner {
	set := strings.TrimSuffix(base, "-")
	if name, ok := strings.CutSuffix(set, "-"+hash); ok && name != "" {
		return Owner{Kind: "Deployment", Name: name}
	}
	if name, rest, ok := cutLast(set, '-'); ok && set == base && rest != "" && strings.HasPrefix(hash, rest) {
		return Owner{Kind: "Deployment", Name: name}
	}
	return Owner{Kind: "ReplicaSet", Name: set}
}

func jobOwner(job string) Owner {
	if name, minutes, ok := cutLast(job, '-'); ok && len(minutes) == cronJobDigits && digits(minutes) {
		return Owner{Kind: "CronJob", Name: name}
	}
	return Owner{Kind: "Job", Name: job}
}

// containerOwner names a container outside of Kubernetes, so that one made
// again under the same name is the same workload.
func containerOwner(id string, labels map[string]string) Owner {
	name := first(labels, labelWorkload, labelComposeService, labelNerdctlName)
	if name == "" {
		name = id
	}
	return Owner{Kind: KindContainer, Name: name}
}

// first returns the first label of keys that is not empty.
func first(labels map[string]string, keys ...string) string {
	for _, key := range keys {
		if v := labels[key]; v != "" {
			return v
		}
	}
	return ""
}

func has(labels map[string]string, key string) bool {
	_, ok := labels[key]
	return ok
}

// cutLast cuts s around the last sep; neither part is empty if ok.
func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i <= 0 || i == len(s)-1 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
