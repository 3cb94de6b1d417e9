package wiretask

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	block = regexp.MustCompile("(?s)```\n.*?```")
	dump  = regexp.MustCompile(`(?m)^ *\d+  ((?:[0-9a-f]{2} ?){1,16})(?:  .*)?$`)
	link  = regexp.MustCompile(`\[(\w+)\]\(#\w+\)`)
)

// document is PROTOCOL.md, cut at its headings of the third degree (and of the second, where there is none).
func document(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../../generated/docs/PROTOCOL.md")
	if err != nil {
		t.Skip("the document is not here")
	}
	sections := map[string]string{}
	for _, part := range regexp.MustCompile(`(?m)^##+ `).Split(string(text), -1) {
		title, rest, _ := strings.Cut(part, "\n")
		sections[title] += rest
	}
	return sections
}

func TestEveryExampleOfTheDocumentIsReadAndWrittenAgain(t *testing.T) {
	count := 0
	for title, section := range document(t) {
		for _, example := range block.FindAllString(section, -1) {
			var octets string
			for _, line := range dump.FindAllStringSubmatch(example, -1) {
				octets += line[1]
			}
			if octets == "" {
				continue
			}
			count++
			frame := unhex(t, octets)
			layout, fields, wrong := DecodeFrame(frame)
			if wrong != nil {
				t.Errorf("%s: %v", title, wrong)
				continue
			}
			if again, refused := Encode(layout, fields); refused != nil || !bytes.Equal(again, frame) {
				t.Errorf("%s: %x became %x (%v)", title, frame, again, refused)
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d examples were found", count)
	}
}

// bounds are the legal values of a type, in the words of the document.
func bounds(f Type) string {
	switch {
	case f.kind == list:
		return fmt.Sprintf("at most %d items", f.max)
	case f.kind == text:
		return fmt.Sprintf("%d to %d octets", f.min, f.max)
	case f.kind == octets:
		return fmt.Sprintf("at most %d octets", f.max)
	case f.kind != number || f.min == 0 && f.max == most(f.width):
		return ""
	case f.min == 0:
		return fmt.Sprintf("at most %d", f.max)
	case f.max == most(f.width):
		return fmt.Sprintf("at least %d", f.min)
	}
	return fmt.Sprintf("%d to %d", f.min, f.max)
}

// rows are the lines of the tables of the document: their cells, without links.
func rows(section string) [][]string {
	var found [][]string
	for _, line := range strings.Split(block.ReplaceAllString(section, ""), "\n") {
		if strings.HasPrefix(line, "|") {
			cells := strings.Split(link.ReplaceAllString(strings.Trim(line, "|"), "$1"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			found = append(found, cells)
		}
	}
	return found
}

// agree holds what a section of the document says of fields and tags against ours.
func agree(t *testing.T, title, section string, fields []Field, tags tagged) {
	t.Helper()
	widths := map[string]int{"bool": 1, "u8": 1, "u16": 2, "u32": 4, "u64": 8}
	compare := func(ours Field, name, kind, bound string) {
		if ours.name != name || bounds(ours.Type) != bound {
			t.Errorf("%s: the document says %q, %q; we %q, %q", title, name, bound, ours.name, bounds(ours.Type))
		}
		if width := widths[kind]; width != 0 && width != ours.width {
			t.Errorf("%s.%s is a %s, here of %d octets", title, name, kind, ours.width)
		}
		if (ours.kind == list) != strings.HasPrefix(kind, "list of ") {
			t.Errorf("%s.%s is a %s", title, name, kind)
		}
	}
	read, counted := 0, 0
	for _, cells := range rows(section) {
		var number uint64
		switch _, err := fmt.Sscan(cells[0], &number); {
		case len(cells) == 5 && err == nil:
			counted++
			compare(tags[number], cells[1], cells[2], cells[3])
		case len(cells) == 4 && read < len(fields) && cells[0] != "field" && !strings.HasPrefix(cells[0], "---"):
			compare(fields[read], cells[0], cells[1], cells[2])
			read++
		}
	}
	if read != len(fields) || counted != len(tags) {
		t.Errorf("%s: %d fields and %d tags in the document, here %d and %d", title, read, counted, len(fields), len(tags))
	}
}

func TestTheTablesAreThoseOfTheDocument(t *testing.T) {
	sections := document(t)
	for _, layout := range layouts {
		agree(t, layout.Name, sections[layout.Name], layout.fields, layout.tags)
		if !strings.Contains(sections[layout.Name], fmt.Sprintf("\nCommand %d ", layout.Command)) {
			t.Errorf("%s is not command %d", layout.Name, layout.Command)
		}
	}
	for name, layout := range Relayed {
		agree(t, name, sections[name], layout.fields, layout.tags)
	}
	structs := map[string]Type{
		"VersionRange": versionRange, "QueueWeight": queueWeight, "TypeSupport": typeSupport, "Resource": resource,
		"Header": header, "HeldLease": heldLease, "RetryPolicy": retryPolicy, "UniqueKey": uniqueKey, "Group": group,
		"Gather": gather, "MemberResult": memberResult, "Gathered": gathered,
		"ConcurrencyKey": concurrencyKey, "RateKey": rateKey, "FairnessKey": fairnessKey, "AttemptRecord": attemptRecord,
	}
	for name, made := range structs {
		agree(t, name, sections[name], made.fields, nil)
	}
}

func TestTheMachinesAreThoseOfTheDocument(t *testing.T) {
	for side, states := range machines {
		var state State
		count := 0
		for _, cells := range rows(document(t)[side+"_connection"])[2:] {
			if cells[0] != "" {
				state = State(cells[0])
			}
			for _, word := range strings.Split(cells[2], ", ") {
				happened, known := named(word)
				if !known { // an event of its own side, such as close
					continue
				}
				count++
				target := State(cells[1])
				if target == "stays" {
					target = stays
				}
				if ours, allowed := states[state][happened]; !allowed || ours != target {
					t.Errorf("%s %s: %s goes to %q, here to %q", side, state, word, target, ours)
				}
			}
		}
		for _, events := range states {
			count -= len(events)
		}
		if count != 0 {
			t.Errorf("%s: the document has %d transitions more", side, count)
		}
	}
}
