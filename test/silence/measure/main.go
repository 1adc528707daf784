// Command measure runs the services of the silence bench and prints how many
// alerts they raised; see docs/silence.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"bobwatch/test/silence"
)

func main() {
	window := flag.Duration("window", 2*time.Minute, "how long each service is learned")
	only := flag.String("only", "", "names of services, separated by commas (default all)")
	parallel := flag.Int("parallel", 8, "services that run at the same time")
	asJSON := flag.Bool("json", false, "print the results as JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	broken, err := run(ctx, *window, *only, *parallel, *asJSON)
	if err != nil {
		fmt.Fprintln(os.Stderr, "silence:", err)
		os.Exit(1)
	}
	if broken {
		os.Exit(3)
	}
}

// run reports whether a service raised more than it may.
func run(ctx context.Context, window time.Duration, only string, parallel int, asJSON bool) (bool, error) {
	options := silence.Options{
		Window: window, Parallel: parallel,
		Progress: func(service, phase string) { fmt.Fprintf(os.Stderr, "%-15s %s\n", service, phase) },
	}
	if only != "" {
		options.Services = strings.Split(only, ",")
	}
	results, err := silence.Run(ctx, options)
	if err != nil {
		return false, err
	}
	broken := false
	for _, r := range results {
		broken = broken || len(r.Broken()) > 0
	}
	if asJSON {
		return broken, json.NewEncoder(os.Stdout).Encode(results)
	}
	return broken, silence.Write(os.Stdout, results)
}
