package kubernetes

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"bobwatch/internal/workload"
)

// tenant returns a client of a service account that may do everything in a
// namespace, and nothing elsewhere.
func (w *world) tenant(t *testing.T, namespace string) kubernetes.Interface {
	t.Helper()
	ctx := t.Context()
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tenant"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}},
	}
	if _, err := w.RbacV1().Roles(namespace).Create(ctx, role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tenant"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "tenant"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: "tenant"}},
	}
	if _, err := w.RbacV1().RoleBindings(namespace).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	config, err := w.Config()
	if err != nil {
		t.Fatal(err)
	}
	config.Impersonate.UserName = "system:serviceaccount:" + namespace + ":tenant"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// testForgedProfile has a tenant with all rights in its namespace forge what its
// workload learned, under every name and label that agents look for.
func testForgedProfile(t *testing.T, w *world) {
	namespace := w.namespace(t)
	tenant := w.tenant(t, namespace)
	key := webKey(namespace, "sha256:1")
	before := webKey(namespace, "sha256:0")
	forge := func(key workload.Key, into string) error {
		record := guarded(key, "/srv/forged")
		m := get[*corev1.ConfigMap](t)(encode(&Subject{Key: key}, &record, ""))
		_, err := tenant.CoreV1().ConfigMaps(into).Create(t.Context(), m, metav1.CreateOptions{})
		return err
	}
	for _, k := range []workload.Key{key, before} {
		if err := forge(k, namespace); err != nil {
			t.Fatal(err) // the tenant has that right
		}
		if err := forge(k, agents); !apierrors.IsForbidden(err) {
			t.Fatalf("a tenant writes to the agents' namespace: %v", err)
		}
	}
	n := w.learner(t)
	own, predecessor, err := n.Load(t.Context(), key)
	if err != nil || own != nil || predecessor != nil {
		t.Errorf("Load = %v, %v, %v; want nothing of what the tenant wrote", own, predecessor, err)
	}
	n.Put(Subject{Key: key}, learning(key, "/srv/a"))
	eventually(t, "settled", func() bool { _, ok := n.knows(key); return ok })
	r, _ := n.knows(key)
	if r.Guarded || len(r.Profile.Spec.Containers[0].Opens) != 1 {
		t.Errorf("the agents know %+v, want what was learned and no more", r.Profile.Spec.Containers[0])
	}
}

// testWidenedProfile: a profile that no agent would learn is refused, should
// somebody be granted the right to write one.
func testWidenedProfile(t *testing.T, w *world) {
	for _, path := range []string{"/*", "/etc/⋯", "/proc/*", "/root/.ssh/⋯"} {
		key := webKey("shop", "sha256:"+path)
		record := guarded(key, path)
		m := get[*corev1.ConfigMap](t)(encode(&Subject{Key: key}, &record, ""))
		if _, err := w.CoreV1().ConfigMaps(agents).Create(t.Context(), m, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if own, _, err := w.learner(t).Load(t.Context(), key); own != nil || err == nil {
			t.Errorf("%s: Load = %v, %v; want it refused", path, own, err)
		}
	}
}

func TestSettingsAreBounded(t *testing.T) {
	all := Settings{Window: 5, Document: "web"}
	tests := map[string]struct {
		mode  Mode
		rules []SettingsRule
		want  Settings
		wrong int
	}{
		"nobody may choose":        {ModeOff, nil, Settings{}, 3},
		"learning for ever":        {ModeLearn, nil, Settings{}, 3},
		"to be guarded":            {ModeGuard, nil, Settings{Mode: ModeGuard}, 2},
		"another namespace":        {ModeOff, []SettingsRule{{Namespace: "dev-*", Allow: Choices}}, Settings{}, 3},
		"all of it":                {ModeOff, []SettingsRule{{Namespace: "sh*", Allow: Choices}}, Settings{ModeOff, 5, "web"}, 0},
		"some of it":               {ModeOff, []SettingsRule{{Namespace: "shop", Allow: []string{ChoiceWindow}}}, Settings{Window: 5}, 2},
		"off is not to be learned": {ModeLearn, []SettingsRule{{Namespace: "shop", Allow: []string{ChoiceOff}}}, Settings{}, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := all
			s.Mode = tt.mode
			errs := s.bound("shop", tt.rules)
			if s != tt.want || len(errs) != tt.wrong {
				t.Errorf("bound: %+v, %q; want %+v and %d errors", s, errs, tt.want, tt.wrong)
			}
		})
	}
}
