package main

import (
	"fmt"
	"math/bits"

	"github.com/anishathalye/porcupine"
)

// step is what an operation did to its object, with the answer that its client got.
type step struct {
	Kind string `json:"kind"`
	// Cents is the amount or the balance, for a wallet.
	Cents int64 `json:"cents"`
	// Worker is the number of the worker, for a drop.
	Worker uint `json:"worker"`
	// Claims and Submissions are the counts that a client has read, for a drop.
	Claims      int `json:"claims"`
	Submissions int `json:"submissions"`
}

func modelOf(one object) (porcupine.Model, error) {
	switch one.Model {
	case "wallet":
		return walletModel(one.Initial), nil
	case "slots":
		return slotsModel(int(one.Initial)), nil
	}
	return porcupine.Model{}, fmt.Errorf("unknown model %q", one.Model)
}

// walletModel is a balance that no debit may overdraw.
func walletModel(initial int64) porcupine.Model {
	return porcupine.Model{
		Init: func() interface{} { return initial },
		Step: func(state, input, _ interface{}) (bool, interface{}) {
			balance, step := state.(int64), input.(step)
			switch step.Kind {
			case "debit":
				return balance >= step.Cents, balance - step.Cents
			case "credit":
				return true, balance + step.Cents
			case "short":
				// A refusal for lack of money.
				return balance < step.Cents, balance
			case "balance":
				return balance == step.Cents, balance
			}
			return false, balance
		},
		DescribeOperation: func(input, _ interface{}) string {
			step := input.(step)
			return fmt.Sprintf("%s %d", step.Kind, step.Cents)
		},
		DescribeState: func(state interface{}) string { return fmt.Sprint(state) },
	}
}

// slots is the state of a drop. Each set has a bit for each worker.
type slots struct {
	held      uint64
	submitted uint64
	// released has the workers that have given a slot back, whose retries get the same answer.
	released uint64
	closed   bool
}

// slotsModel is a drop with a number of slots.
func slotsModel(most int) porcupine.Model {
	return porcupine.Model{
		Init: func() interface{} { return slots{} },
		Step: func(state, input, _ interface{}) (bool, interface{}) {
			legal, next := state.(slots).after(input.(step), most)
			return legal, next
		},
		DescribeOperation: func(input, _ interface{}) string {
			step := input.(step)
			if step.Kind == "open" || step.Kind == "over" {
				return fmt.Sprintf("%s claims=%d submissions=%d", step.Kind, step.Claims, step.Submissions)
			}
			return fmt.Sprintf("%s by %d", step.Kind, step.Worker)
		},
		DescribeState: func(state interface{}) string {
			s := state.(slots)
			return fmt.Sprintf("held=%b submitted=%b closed=%t", s.held, s.submitted, s.closed)
		},
	}
}

// after returns whether the step is legal in this state, and the state after it.
func (s slots) after(step step, most int) (bool, slots) {
	me := uint64(1) << step.Worker
	holds, delivered := s.held&me != 0, s.submitted&me != 0
	full := bits.OnesCount64(s.held) >= most
	next := s
	switch step.Kind {
	case "claimed":
		next.held |= me
		return !s.closed && !holds && !full, next
	case "claim_held":
		return holds, s
	case "full":
		return full && !holds, s
	case "released":
		if holds && !delivered && !s.closed {
			next.held &^= me
			next.released |= me
			return true, next
		}
		return !holds && s.released&me != 0, s
	case "submitted":
		next.submitted |= me
		return !s.closed && holds && !delivered, next
	case "submitted_before":
		return delivered, s
	case "no_claimant":
		return !holds, s
	case "delivered":
		return delivered, s
	case "cancelled":
		next.closed = true
		return s.submitted == 0, next
	case "has_submissions":
		return s.submitted != 0, s
	case "open":
		same := bits.OnesCount64(s.held) == step.Claims && bits.OnesCount64(s.submitted) == step.Submissions
		return !s.closed && same, s
	case "over":
		next.closed = true
		return bits.OnesCount64(s.submitted) == step.Submissions, next
	// An operation without an answer has its effect if it can. One that never had it comes after all others.
	case "maybe_claim":
		if !s.closed && !holds && !full {
			next.held |= me
		}
		return true, next
	case "maybe_release":
		if !s.closed && holds && !delivered {
			next.held &^= me
			next.released |= me
		}
		return true, next
	case "maybe_submit":
		if !s.closed && holds && !delivered {
			next.submitted |= me
		}
		return true, next
	case "maybe_cancel":
		if s.submitted == 0 {
			next.closed = true
		}
		return true, next
	}
	return false, s
}
