// The linearisability check of a recorded history. It reads objects with their operations from standard
// input, checks each object by itself with Porcupine, and writes one verdict for each to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// request is what standard input holds.
type request struct {
	// TimeoutSeconds bounds the search for each object.
	TimeoutSeconds float64 `json:"timeout_seconds"`
	// Drawings is the folder for pictures of rejected objects.
	Drawings string   `json:"drawings"`
	Objects  []object `json:"objects"`
}

// object is a wallet or a drop, with every operation on it.
type object struct {
	Name  string `json:"name"`
	Model string `json:"model"`
	// Initial is the balance of a wallet in cents, or the number of slots of a drop.
	Initial    int64       `json:"initial"`
	Operations []operation `json:"operations"`
}

// operation is one operation, with its closed interval in nanoseconds. One without an end may take effect at
// any later time.
type operation struct {
	Client int    `json:"client"`
	Call   int64  `json:"call"`
	End    *int64 `json:"end"`
	Step   step   `json:"step"`
}

// verdict is the answer about one object: Ok, Illegal, or Unknown if the time was up.
type verdict struct {
	Name    string  `json:"name"`
	Result  string  `json:"result"`
	Seconds float64 `json:"seconds"`
	// Drawing is the path of the picture, for a rejected object.
	Drawing string `json:"drawing,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked request
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return err
	}
	verdicts := make([]verdict, 0, len(asked.Objects))
	for _, one := range asked.Objects {
		found, err := check(one, asked)
		if err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
		verdicts = append(verdicts, found)
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}

func check(one object, asked request) (verdict, error) {
	model, err := modelOf(one)
	if err != nil {
		return verdict{}, err
	}
	history := make([]porcupine.Operation, 0, len(one.Operations))
	for _, op := range one.Operations {
		end := int64(math.MaxInt64)
		if op.End != nil {
			end = *op.End
		}
		history = append(history, porcupine.Operation{ClientId: op.Client, Input: op.Step, Call: op.Call, Return: end})
	}
	timeout := time.Duration(asked.TimeoutSeconds * float64(time.Second))
	began := time.Now()
	result := porcupine.CheckOperationsTimeout(model, history, timeout)
	found := verdict{Name: one.Name, Result: string(result), Seconds: time.Since(began).Seconds()}
	if result == porcupine.Illegal && asked.Drawings != "" {
		found.Drawing = draw(model, history, one, asked, timeout)
	}
	return found, nil
}

// draw writes a picture of a rejected object, and returns its path. A picture that cannot be drawn does not
// change the verdict.
func draw(model porcupine.Model, history []porcupine.Operation, one object, asked request, timeout time.Duration) string {
	// A picture needs finite ends.
	last := int64(0)
	for _, op := range history {
		if op.Return != math.MaxInt64 && op.Return > last {
			last = op.Return
		}
	}
	for i := range history {
		if history[i].Return == math.MaxInt64 {
			history[i].Return = max(last+1, history[i].Call+1)
		}
	}
	_, info := porcupine.CheckOperationsVerbose(model, history, timeout)
	path := filepath.Join(asked.Drawings, strings.ReplaceAll(one.Name, "/", "-")+".html")
	if err := porcupine.VisualizePath(model, info, path); err != nil {
		fmt.Fprintln(os.Stderr, "drawing", path, err)
		return ""
	}
	return path
}
