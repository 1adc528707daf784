package cel

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"bobwatch/internal/event"
	"bobwatch/internal/peer"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/syscalls"
)

// function is one function of expressions. A function that asks a profile gets the act as
// its first argument, which a macro adds.
type function struct {
	names  []string // with their namespace
	args   [][]*types.Type
	result *types.Type
	call   func(s *Subject, args []ref.Val) ref.Val
}

var (
	str     = types.StringType
	integer = types.IntType
	strs    = types.NewListType(types.StringType)
)

func overloads(args ...[]*types.Type) [][]*types.Type { return args }

// profiled returns the function's names in the namespaces of profiles.
func profiled(name string) []string { return []string{"ap." + name, "cp." + name} }

func neighbours(name string) []string { return []string{"nn." + name, "cp." + name} }

func never(*Subject, []ref.Val) ref.Val { return types.False }

// functions are those of Kubescape's rules.
var functions = []function{
	{profiled("was_executed"), overloads([]*types.Type{str, str}), types.BoolType, wasExecuted},
	{profiled("was_executed_with_args"), overloads([]*types.Type{str, str, strs}), types.BoolType, wasExecutedWith},
	{profiled("was_path_opened"), overloads([]*types.Type{str, str}), types.BoolType, wasOpened},
	{profiled("was_path_opened_with_flags"), overloads([]*types.Type{str, str, strs}), types.BoolType, wasOpened},
	{profiled("was_path_opened_with_suffix"), overloads([]*types.Type{str, str}), types.BoolType, wasOpenedEnding},
	{profiled("was_path_opened_with_prefix"), overloads([]*types.Type{str, str}), types.BoolType, wasOpenedBeginning},
	{profiled("was_syscall_used"), overloads([]*types.Type{str, str}), types.BoolType, wasCalled},
	{profiled("was_capability_used"), overloads([]*types.Type{str, str}), types.BoolType, never},
	{profiled("was_endpoint_accessed"), overloads([]*types.Type{str, str}), types.BoolType, never},
	{profiled("was_endpoint_accessed_with_method"), overloads([]*types.Type{str, str, str}), types.BoolType, never},
	{profiled("was_endpoint_accessed_with_methods"), overloads([]*types.Type{str, str, strs}), types.BoolType, never},
	{profiled("was_endpoint_accessed_with_prefix"), overloads([]*types.Type{str, str}), types.BoolType, never},
	{profiled("was_endpoint_accessed_with_suffix"), overloads([]*types.Type{str, str}), types.BoolType, never},
	{profiled("was_host_accessed"), overloads([]*types.Type{str, str}), types.BoolType, never},
	{neighbours("was_address_in_egress"), overloads([]*types.Type{str, str}), types.BoolType, inDirection(event.Egress)},
	{neighbours("was_address_in_ingress"), overloads([]*types.Type{str, str}), types.BoolType, inDirection(event.Ingress)},
	{neighbours("is_domain_in_egress"), overloads([]*types.Type{str, str}), types.BoolType, never},
	{neighbours("is_domain_in_ingress"), overloads([]*types.Type{str, str}), types.BoolType, never},
	{neighbours("was_address_port_protocol_in_egress"), overloads([]*types.Type{str, str, integer, str}), types.BoolType, onPort(event.Egress)},
	{neighbours("was_address_port_protocol_in_ingress"), overloads([]*types.Type{str, str, integer, str}), types.BoolType, onPort(event.Ingress)},
	{[]string{"parse.get_exec_path"}, overloads([]*types.Type{strs, str}, []*types.Type{strs, str, str}), str, execPath},
	{[]string{"net.is_private_ip"}, overloads([]*types.Type{str}), types.BoolType, isPrivate},
	{[]string{"k8s.is_api_server_address"}, overloads([]*types.Type{str}), types.BoolType, isAPIServer},
	{[]string{"k8s.get_container_mount_paths"}, overloads([]*types.Type{str, str, str}), strs, mountPaths},
	{[]string{"k8s.get_container_by_name"}, overloads([]*types.Type{str, str, str}), types.BoolType, never},
	{[]string{"process.get_ld_hook_var"}, overloads([]*types.Type{types.UintType}, []*types.Type{integer}), str, noText},
	{[]string{"process.get_process_env"}, overloads([]*types.Type{integer}, []*types.Type{types.UintType}), types.NewMapType(str, str), noEnvironment},
}

// hidden is the prefix of the functions that the macros call.
const hidden = "bobwatch_"

// options declares all functions.
func options() []cel.EnvOption {
	var declared []cel.EnvOption
	for i := range functions {
		f := &functions[i]
		for _, name := range f.names {
			namespace, base, _ := strings.Cut(name, ".")
			inner := hidden + namespace + "_" + base
			declared = append(declared, cel.Macros(cel.ReceiverVarArgMacro(base, expand(namespace, inner))))
			var signatures []cel.FunctionOpt
			for i, args := range f.args {
				signatures = append(signatures, cel.Overload(inner+string(rune('a'+i)), append([]*types.Type{eventType}, args...), f.result,
					cel.FunctionBinding(func(args ...ref.Val) ref.Val { return f.call(args[0].(*Subject), args[1:]) })))
			}
			declared = append(declared, cel.Function(inner, signatures...))
		}
	}
	return declared
}

// namespaces are those of each function's base name: a macro knows no namespace.
var namespaces = func() map[string][]string {
	known := map[string][]string{}
	for _, f := range functions {
		for _, name := range f.names {
			namespace, base, _ := strings.Cut(name, ".")
			known[base] = append(known[base], namespace)
		}
	}
	return known
}()

// expand turns NAMESPACE.base(args) into hidden_NAMESPACE_base(event, args). One
// base name has one macro, for all of its namespaces.
func expand(_, inner string) cel.MacroFactory {
	base := inner[len(hidden):]
	_, base, _ = strings.Cut(base, "_")
	return func(f cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		if target.Kind() != ast.IdentKind || !slices.Contains(namespaces[base], target.AsIdent()) {
			return nil, nil // no function of ours
		}
		return f.NewCall(hidden+target.AsIdent()+"_"+base, append([]ast.Expr{f.NewIdent("event")}, args...)...), nil
	}
}

func textOf(v ref.Val) string {
	s, _ := v.(types.String)
	return string(s)
}

func textsOf(v ref.Val) []string {
	texts, err := v.ConvertToNative(typeOfStrings)
	if err != nil {
		return nil
	}
	return texts.([]string)
}

func wasExecuted(s *Subject, args []ref.Val) ref.Val {
	return types.Bool(s.Matcher != nil && s.Matcher.Exec([]byte(textOf(args[1])), nil) != match.PathUnknown)
}

func wasExecutedWith(s *Subject, args []ref.Val) ref.Val {
	joined := strings.Join(textsOf(args[2]), "\x00")
	return types.Bool(s.Matcher != nil && s.Matcher.Exec([]byte(textOf(args[1])), []byte(joined)) == match.Allowed)
}

// wasOpened asks for the path with the access of the act, of another one for
// reading.
func wasOpened(s *Subject, args []ref.Val) ref.Val {
	path := []byte(textOf(args[1]))
	if s.Matcher == nil {
		return types.False
	}
	access := event.AccessRead
	if s.Event.Kind == event.KindOpen {
		if bytes.Equal(path, s.Event.Path) {
			return types.Bool(allowedOpen(s))
		}
		access = s.Event.Access
	}
	return types.Bool(s.Matcher.Open(path, access) == match.Allowed || s.Matcher.Directory(path, access, false) == match.Allowed)
}

// wasOpenedEnding asks for the path of the act itself, if it ends so: that
// another file with this end is allowed says nothing.
func wasOpenedEnding(s *Subject, args []ref.Val) ref.Val {
	return types.Bool(bytes.HasSuffix(s.Event.Path, []byte(textOf(args[1]))) && allowedOpen(s))
}

func wasOpenedBeginning(s *Subject, args []ref.Val) ref.Val {
	return types.Bool(bytes.HasPrefix(s.Event.Path, []byte(textOf(args[1]))) && allowedOpen(s))
}

func allowedOpen(s *Subject) bool {
	if s.Matcher == nil || s.Event.Kind != event.KindOpen {
		return false
	}
	entry, directory := s.Matcher.Opened(s.Event)
	return entry == match.Allowed || directory == match.Allowed
}

func wasCalled(s *Subject, args []ref.Val) ref.Val {
	nr, ok := syscalls.Number(s.Arch, textOf(args[1]))
	return types.Bool(ok && s.Matcher != nil && s.Matcher.Syscall(nr))
}

func inDirection(d event.Direction) func(*Subject, []ref.Val) ref.Val {
	return func(s *Subject, args []ref.Val) ref.Val {
		c := s.Event.Connection
		return types.Bool(contact(s, &c, d, textOf(args[1])) != match.PathUnknown)
	}
}

func onPort(d event.Direction) func(*Subject, []ref.Val) ref.Val {
	return func(s *Subject, args []ref.Val) ref.Val {
		c := s.Event.Connection
		port, _ := args[2].(types.Int)
		c.Port = uint16(port)
		c.Protocol, _ = event.ParseProtocol(textOf(args[3]))
		return types.Bool(contact(s, &c, d, textOf(args[1])) == match.Allowed)
	}
}

func contact(s *Subject, c *event.Connection, d event.Direction, address string) match.Verdict {
	peer, err := netip.ParseAddr(address)
	if err != nil || s.Matcher == nil {
		return match.PathUnknown
	}
	c.Peer, c.Direction, c.Family = peer.Unmap(), d, event.FamilyIPv4
	return s.Matcher.Contact(c, nil)
}

// execPath is the file that was executed: the last argument if there are three,
// else the name it was called by, else comm.
func execPath(s *Subject, args []ref.Val) ref.Val {
	if len(args) == 3 && textOf(args[2]) != "" {
		return args[2]
	}
	if s.Event.Kind == event.KindExec && len(s.Event.Path) > 0 {
		return types.String(s.Event.Path)
	}
	if argv := textsOf(args[0]); len(argv) > 0 && argv[0] != "" {
		return types.String(argv[0])
	}
	return args[1]
}

func isPrivate(_ *Subject, args []ref.Val) ref.Val {
	address, err := netip.ParseAddr(textOf(args[0]))
	return types.Bool(err == nil && peer.EntityOf(address) != peer.World)
}

func isAPIServer(s *Subject, args []ref.Val) ref.Val {
	address, err := netip.ParseAddr(textOf(args[0]))
	return types.Bool(err == nil && slices.ContainsFunc(s.Container.APIServers, func(a netip.AddrPort) bool { return a.Addr() == address }))
}

// mountPaths returns the path of the act itself if the file is in a mount: the kernel
// knows that, no matter what the pod claims.
func mountPaths(s *Subject, _ []ref.Val) ref.Val {
	var paths []string
	if s.Event.Has(event.FlagMount) && !s.Event.Has(event.FlagMemfd) {
		paths = []string{string(s.Event.Path)}
	}
	return types.NewStringList(types.DefaultTypeAdapter, paths)
}

func noText(*Subject, []ref.Val) ref.Val { return types.String("") }

func noEnvironment(*Subject, []ref.Val) ref.Val {
	return types.NewStringStringMap(types.DefaultTypeAdapter, nil)
}
