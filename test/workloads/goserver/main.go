// Command goserver is an ordinary Go web server, as a workload for tests.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s\n", r.URL.Path)
	})
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "/srv/data.txt")
	})
	// Work that needs several threads and the garbage collector.
	http.HandleFunc("/work", func(w http.ResponseWriter, _ *http.Request) {
		parts := make(chan int)
		for range 8 {
			go func() {
				sum := 0
				for _, b := range make([]byte, 4<<20) {
					sum += int(b)
				}
				parts <- sum
			}()
		}
		sum := 0
		for range 8 {
			sum += <-parts
		}
		runtime.GC()
		fmt.Fprintln(w, sum)
	})
	log.SetOutput(os.Stdout)
	log.Println("listening")
	log.Fatal(http.ListenAndServe(":8080", nil))
}
