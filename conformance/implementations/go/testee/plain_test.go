package testee

import "testing"

func TestOnlyALoneSurrogateIsOne(t *testing.T) {
	texts := map[string]bool{
		`"\ud800"`: true, `"\udc00\ud800"`: true, `"\uD83D\uDE00\udfff"`: true,
		`"\ud83d\ude00"`: false, `"\\ud800"`: false, `"\ufffd"`: false, `"d800"`: false,
	}
	for text, lone := range texts {
		if HoldsLoneSurrogate([]byte(text)) != lone {
			t.Errorf("%s: %v was expected", text, lone)
		}
	}
}
