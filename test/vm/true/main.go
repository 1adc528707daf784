// Command true succeeds. It is /bin/true of a test machine, which has busybox
// for everything else: a test that runs a copy of it under another name needs a
// program that does not care for its name.
package main

func main() {}
