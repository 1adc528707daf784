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
             a NetworkPolicy of Kubernetes; what it cannot say is a warning

seccomp, spo and apparmor are for one container.`,
		Example: `  bobctl convert applicationprofile.yaml --to bob > webapp.yaml
  bobctl convert webapp.yaml --to seccomp --container web --families --runtime
  kubectl get applicationprofile -n shop -o yaml | bobctl convert - --to bob`,
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.Run(args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&o.To, "to", "", "`FORM` to write")
	flags.StringVar(&o.Container, "container", "", "`NAME` of the container (seccomp, spo, apparmor); needed if there are several")
	flags.StringVar(&o.Seccomp.Arch, "arch", "", "`ARCH` of the nodes (seccomp, spo); default: all that the document has calls for")
	flags.BoolVar(&o.Seccomp.Families, "families", false, "also allow calls that are the same act under another name (seccomp, spo)")
	flags.BoolVar(&o.Seccomp.Runtime, "runtime", false, "also allow what runc does to start the container (seccomp)")
	flags.StringToStringVar(&o.Selector, "selector", nil, "`LABEL=VALUE` of the pods (networkpolicy); default: the labels of the document's workload")
	o.Output.Register(flags)
	completeFlag(c, "to", edit.Forms()...)
	return c
}
