package worker

import (
	"errors"
	"strings"
	"unicode/utf8"

	"wiretask.example/wiretask"
)

// report is a Result or a Return that the scheduler has not accepted (R-RES-001).
type report struct {
	key
	message string
	fields  wiretask.Fields
	seq     uint64 // on the present connection; 0 was not sent
}

func (l *loop) keep(a *assignment, message string, fields wiretask.Fields) {
	fields["task_id"], fields["lease"] = a.taskID(), a.lease
	l.reports = append(l.reports, &report{key: a.key, message: message, fields: fields})
}

func (l *loop) report(a *assignment, outcome uint64, body []byte, err error) {
	fields := wiretask.Fields{"outcome": outcome}
	if err == nil {
		fields["report"] = encoded(wiretask.Fields{"encoding": wiretask.EncodingRaw, "body": body})
	} else {
		describe(fields, err)
	}
	l.keep(a, "Result", fields)
}

func (l *loop) giveBack(a *assignment, reason uint64, text string) {
	fields := wiretask.Fields{"reason": reason}
	if text != "" {
		fields["text"] = fitting(text, 1024)
	}
	l.keep(a, "Return", fields)
}

// flush sends what may be sent: no more than may be unaccepted.
func (l *loop) flush() {
	for _, r := range l.reports {
		if r.seq != 0 {
			continue
		}
		if !l.link.mayReport() {
			return
		}
		if passed, is := r.fields["report"].([]byte); is && len(passed) > l.link.room() {
			// Sent all the same it would end this connection, and each one after it.
			r.fields["outcome"] = wiretask.Failed
			describe(r.fields, &Failure{Type: "ResultTooLarge", Text: "the report is longer than a frame may be", NoRetry: true})
		}
		l.link.seq++
		r.seq = l.link.seq
		r.fields["seq"] = r.seq
		l.link.send(r.message, r.fields)
	}
}

// progress may be left out, and is where it would hold up Results.
func (l *loop) progress(a *assignment, current, total uint64, body []byte) {
	if !l.link.serves() || a.dropped || l.link.out.full() || len(body) > l.link.room() {
		return
	}
	l.link.send("Progress", wiretask.Fields{
		"task_id": a.taskID(), "lease": a.lease, "current": current, "total": total, "body": body,
	})
}

// describe makes a Result tell of an error.
func describe(result wiretask.Fields, err error) {
	failure := &Failure{Type: "error", Text: err.Error()}
	errors.As(err, &failure)
	if failure.NoRetry {
		result["no_retry"] = true
	}
	if failure.RetryAfter > 0 {
		result["retry_after"] = failure.RetryAfter
	}
	result["report"] = encoded(wiretask.Fields{
		"encoding": wiretask.EncodingRaw, "body": []byte{},
		"error_type": fitting(failure.Type, 1024), "error_message": fitting(failure.Text, 65535),
	})
}

func encoded(report wiretask.Fields) []byte {
	octets, refused := wiretask.EncodeRelayed(wiretask.Relayed["Report"], report)
	if refused != nil {
		panic(refused) // a bug here
	}
	return octets
}

// fitting makes a text legal: handlers say what they like.
func fitting(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
