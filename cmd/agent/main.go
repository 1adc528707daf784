// Command agent watches the containers of one node.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"bobwatch/internal/agent"
	"bobwatch/internal/agent/route"
	"bobwatch/internal/config"
	"bobwatch/internal/sensor"
)

// version is set by the linker.
var version = "unknown"

// Exit codes.
const (
	exitError = 1
	exitUsage = 2
)

type options struct {
	config   string
	output   string
	check    bool
	unpin    bool
	version  bool
	logLevel zapcore.Level
}

// gcPercent keeps the heap small: an agent in steady state makes no garbage, so
// collecting it early costs nothing. GOGC overrides it.
const gcPercent = 40

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout *os.File, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case opts.version:
		fmt.Fprintln(stdout, "bobwatch agent", version)
		return 0
	}
	c, err := load(opts)
	if err != nil {
		fmt.Fprintln(stderr, "agent:", err)
		return exitUsage
	}
	if opts.check {
		if err := route.Check(c); err != nil {
			fmt.Fprintln(stderr, "agent:", err)
			return exitUsage
		}
		fmt.Fprintln(stdout, "configuration is valid")
		return 0
	}
	if opts.unpin {
		if err := sensor.Unpin(c.Sensor.PinPath); err != nil {
			fmt.Fprintln(stderr, "agent:", err)
			return exitError
		}
		return 0
	}
	if err := watch(c, opts.logLevel, stdout); err != nil {
		fmt.Fprintln(stderr, "agent:", err)
		return exitError
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("agent", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&opts.config, "config", "", "read the configuration from `FILE`; without, the defaults hold")
	flags.StringVar(&opts.output, "o", "", "write alerts as json or text (default: text on a terminal, else json)")
	flags.BoolVar(&opts.check, "check", false, "check the configuration and exit")
	flags.BoolVar(&opts.unpin, "unpin", false, "detach what an agent left in the kernel, and exit")
	flags.BoolVar(&opts.version, "version", false, "print the version and exit")
	flags.Func("log-level", "log from `LEVEL` on: debug, info, warn or error (default info)", func(s string) error {
		return opts.logLevel.UnmarshalText([]byte(s))
	})
	flags.Usage = func() {
		fmt.Fprint(stderr, "Usage: agent [flags]\n\nWatches the containers of this node: learns what they do, and writes an alert\nto stdout when one leaves its profile. Logs go to stderr.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "agent: unexpected argument %q\n", flags.Arg(0))
		return opts, errors.New("usage")
	}
	return opts, nil
}

func load(opts options) (config.Config, error) {
	c, err := config.Load(opts.config)
	if err != nil {
		return config.Config{}, err
	}
	switch output := config.Output(opts.output); output {
	case "":
	case config.OutputJSON, config.OutputText:
		c.Alerts.Output = output
	default:
		return config.Config{}, fmt.Errorf("-o %s: want json or text", opts.output)
	}
	return c, nil
}

func watch(c config.Config, level zapcore.Level, stdout *os.File) error {
	log, err := newLogger(level)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	agent.Version = version
	return agent.Run(ctx, c, log, stdout, term.IsTerminal(int(stdout.Fd())))
}

// newLogger logs JSON to stderr; stdout carries alerts alone.
func newLogger(level zapcore.Level) (*zap.Logger, error) {
	c := zap.NewProductionConfig()
	c.Level = zap.NewAtomicLevelAt(level)
	c.OutputPaths = []string{"stderr"}
	c.DisableStacktrace = true
	c.DisableCaller = true
	c.Sampling = nil
	c.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	log, err := c.Build()
	if err != nil {
		return nil, fmt.Errorf("make logger: %w", err)
	}
	return log, nil
}
