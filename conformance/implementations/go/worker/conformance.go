package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Conformance are the types that every worker under test knows (conformance/README.md), and two plain ones.
var Conformance = map[string]Handler{
	"sha256": func(_ context.Context, body []byte, _ Progress) ([]byte, error) {
		digest := sha256.Sum256(body)
		return []byte(hex.EncodeToString(digest[:])), nil
	},
	"echo":             echo,
	"conformance.echo": echo,
	"conformance.fail": func(_ context.Context, body []byte, _ Progress) ([]byte, error) {
		return nil, &Failure{Type: "ConformanceError", Text: string(body)}
	},
	"conformance.no_retry": func(_ context.Context, body []byte, _ Progress) ([]byte, error) {
		return nil, &Failure{Type: "NoRetry", Text: string(body), NoRetry: true}
	},
	"conformance.retry_after": func(_ context.Context, body []byte, _ Progress) ([]byte, error) {
		after, err := strconv.ParseUint(string(body), 10, 32)
		if err != nil {
			return nil, err
		}
		return nil, &Failure{Type: "Retry", Text: "later", RetryAfter: after}
	},
	"conformance.sleep": func(ctx context.Context, body []byte, _ Progress) ([]byte, error) {
		millis, err := strconv.Atoi(string(body))
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
	"conformance.large": func(_ context.Context, body []byte, _ Progress) ([]byte, error) {
		octets, err := strconv.Atoi(string(body))
		return make([]byte, octets), err
	},
	"conformance.progress": func(_ context.Context, _ []byte, progress Progress) ([]byte, error) {
		progress(1, 2, []byte("half"))
		return []byte("done"), nil
	},
	"conformance.wait": func(ctx context.Context, _ []byte, _ Progress) ([]byte, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	},
}

func echo(_ context.Context, body []byte, _ Progress) ([]byte, error) { return body, nil }
