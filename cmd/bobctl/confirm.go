package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
)

// confirm asks a question on the terminal, as standard input may be a document.
// Only yes is yes.
func confirm(ctx context.Context, question string) (bool, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false, usagef("there is no terminal to ask on: confirm by --yes")
	}
	defer tty.Close()
	fmt.Fprintf(tty, "%s [y/N] ", escapeUnprintable(question))
	answers := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(tty).ReadString('\n') // without an answer it is no
		answers <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-answers:
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done():
		fmt.Fprintln(tty)
		return false, ctx.Err()
	}
}
