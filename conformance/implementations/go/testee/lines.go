// Package testee is the adapter's side of the conformance suite: JSON lines in, JSON lines out.
package testee

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// Request is one line from the suite.
type Request map[string]json.RawMessage

// Text is an argument that is a text; empty where it is absent.
func (r Request) Text(name string) string {
	var value string
	_ = json.Unmarshal(r[name], &value)
	return value
}

// Number is an argument that is a number; 0 where it is absent.
func (r Request) Number(name string) uint64 {
	var value uint64
	_ = json.Unmarshal(r[name], &value)
	return value
}

// Serve answers requests until `stop` or the end of the input.
func Serve(answer func(Request) map[string]any) {
	lines := bufio.NewReaderSize(os.Stdin, 1<<16)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var request Request
		if err := json.Unmarshal(line, &request); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		said := answer(request)
		said["seq"] = request.Number("seq")
		if err := out.Encode(said); err != nil {
			return
		}
		if request.Text("op") == "stop" {
			return
		}
	}
}
