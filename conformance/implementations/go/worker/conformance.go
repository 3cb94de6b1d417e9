package worker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"wiretask.example/wiretask"
)

// Conformance are the types that every worker under test knows (conformance/README.md), and two plain ones.
var Conformance = map[string]Handler{
	"sha256": func(_ context.Context, task Task) ([]byte, error) {
		digest := sha256.Sum256(task.Body)
		return []byte(hex.EncodeToString(digest[:])), nil
	},
	"echo":             echo,
	"conformance.echo": echo,
	"conformance.fail": func(_ context.Context, task Task) ([]byte, error) {
		return nil, &Failure{Type: "ConformanceError", Text: string(task.Body)}
	},
	"conformance.no_retry": func(_ context.Context, task Task) ([]byte, error) {
		return nil, &Failure{Type: "NoRetry", Text: string(task.Body), NoRetry: true}
	},
	"conformance.retry_after": func(_ context.Context, task Task) ([]byte, error) {
		after, err := strconv.ParseUint(string(task.Body), 10, 32)
		if err != nil {
			return nil, err
		}
		return nil, &Failure{Type: "Retry", Text: "later", RetryAfter: after}
	},
	"conformance.sleep": func(ctx context.Context, task Task) ([]byte, error) {
		millis, err := strconv.Atoi(string(task.Body))
		if err != nil {
			return nil, err
		}
		select {
		case <-time.After(time.Duration(millis) * time.Millisecond):
			return []byte("slept"), nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	},
	"conformance.large": func(_ context.Context, task Task) ([]byte, error) {
		octets, err := strconv.Atoi(string(task.Body))
		return make([]byte, octets), err
	},
	"conformance.progress": func(_ context.Context, task Task) ([]byte, error) {
		task.Progress(1, 2, []byte("half"))
		return []byte("done"), nil
	},
	"conformance.gathered": func(_ context.Context, task Task) ([]byte, error) {
		said := make([][]byte, len(task.Results))
		for place, member := range task.Results {
			if said[place] = member.Body; member.Outcome != wiretask.Succeeded {
				said[place] = []byte("!" + strconv.FormatUint(member.Outcome, 10))
			}
		}
		return bytes.Join(said, []byte(",")), nil
	},
	"conformance.wait": func(ctx context.Context, _ Task) ([]byte, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	},
}

func echo(_ context.Context, task Task) ([]byte, error) { return task.Body, nil }
