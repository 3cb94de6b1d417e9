// The worker under test: conformance/README.md says what it answers.
package main

import (
	"fmt"
	"os"

	"wiretask.example/testee"
	"wiretask.example/worker"
)

type answer = map[string]any

func main() {
	var present *worker.Worker
	end := func() {
		if present != nil {
			present.Stop()
			present = nil
		}
	}
	testee.Serve(func(request testee.Request) answer {
		switch request.Text("op") {
		case "start":
			implementation := answer{"name": "wiretask-go", "version": "0.1", "language": "go"}
			return answer{"implementation": implementation, "lacks": []string{"tls", "crash"}}
		case "serve":
			end()
			var credentials *worker.Credentials
			if given := request.Text("credentials"); given != "" {
				var err error
				if credentials, err = worker.ParseCredentials(given); err != nil {
					return answer{"crashed": err.Error()}
				}
			}
			present = worker.New(worker.Config{
				Address: request.Text("connect"), Queue: request.Text("queue"), Slots: int(request.Number("slots")),
				Handlers: worker.Conformance, Credentials: credentials,
			})
			go func(w *worker.Worker) {
				if err := w.Run(); err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
			}(present)
		case "drain":
			if present != nil {
				present.Drain()
			}
		case "end":
			end()
		case "stop":
			end()
			return answer{}
		default:
			return answer{"skipped": "no such operation"}
		}
		return answer{"ok": answer{}}
	})
}
