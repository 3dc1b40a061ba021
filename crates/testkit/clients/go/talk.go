package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

var lines = bufio.NewScanner(os.Stdin)

// Has the test's person open a URL in a browser; gives the URL of ours that the browser arrived at.
func open(url string) string {
	say(map[string]string{"open": url})
	if !lines.Scan() {
		panic("the test is gone")
	}
	var answer struct{ Arrived string }
	must(json.Unmarshal(lines.Bytes(), &answer))
	return answer.Arrived
}

func done(result map[string]string) {
	say(map[string]any{"done": result})
}

func say(line any) {
	text, err := json.Marshal(line)
	must(err)
	fmt.Println(string(text))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func demand(holds bool, what string) {
	if !holds {
		panic("not as it should be: " + what)
	}
}
