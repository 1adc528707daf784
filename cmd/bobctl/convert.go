package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/edit"
	"bobwatch/internal/term"
)

func newConvertCommand(t *term.Terminal) *cobra.Command {
	o := edit.Convert{Terminal: t}
	c := &cobra.Command{
		Use:   "convert FILE --to FORM",
		Short: "Write a document in another form",
		Long: `Write a document in another form. FORM is one of

  bob        a Bill of Behavior
  canonical  the bytes that are signed, for cosign
  ap         Kubescape's ApplicationProfile
  nn         Kubescape's NetworkNeighborhood
  cp         Kubescape's ContainerProfile
  seccomp    a seccomp profile for OCI runtimes
  spo        a SeccompProfile of the Security Profiles Operator
  apparmor   an AppArmor profile
  networkpolicy
             a NetworkPolicy of Kubernetes; bobctl warns about entries that
             it cannot express

seccomp, spo and apparmor describe one container.`,
		Example: `  bobctl convert applicationprofile.yaml --to bob > webapp.yaml
  bobctl convert webapp.yaml --to seccomp --container web --families --runtime
  kubectl get applicationprofile -n shop -o yaml | bobctl convert - --to bob`,
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.Run(args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&o.To, "to", "", "`FORM` to write")
	flags.StringVar(&o.Container, "container", "", "`NAME` of the container (seccomp, spo, apparmor); required if the document has several")
	flags.StringVar(&o.Seccomp.Arch, "arch", "", "`ARCH` of the nodes (seccomp, spo); default: all for which the document lists system calls")
	flags.BoolVar(&o.Seccomp.Families, "families", false, "also allow other system calls for the same act, such as open for openat (seccomp, spo)")
	flags.BoolVar(&o.Seccomp.Runtime, "runtime", false, "also allow the system calls that runc needs to start the container (seccomp)")
	flags.StringToStringVar(&o.Selector, "selector", nil, "`LABEL=VALUE` of the pods (networkpolicy); default: the labels of the document's workload")
	o.Output.Register(flags)
	completeFlag(c, "to", edit.Forms()...)
	return c
}
