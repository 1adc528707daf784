package agent

import (
	"context"

	"go.uber.org/zap"

	"bobwatch/internal/rule"
	"bobwatch/internal/rule/custom"
)

// watchRules reads the rules that users wrote, now and whenever their files
// change. Files that cannot be read have no effect: the last good rules stay in force.
func (a *agent) watchRules(ctx context.Context) *custom.Directory {
	log := a.log.Named("rules")
	counters := a.engine.metrics
	return &custom.Directory{
		Path: a.config.Rules.Directory,
		Failed: func(err error) {
			counters.RulesRefused.Add(1)
			log.Error("rules are refused; those before stay in force", zap.Error(err))
		},
		Publish: func(set *custom.Set) {
			counters.Rules.Store(set)
			for _, warning := range set.Warnings {
				log.Warn("rules", zap.String("warning", warning))
			}
			log.Info("rules in force", zap.Int("rules", len(set.Rules)), zap.Int("bindings", len(set.Bindings)))
			a.engine.post(ctx, func() { a.engine.useRules(set) })
		},
	}
}

// useRules makes the engine judge by other rules. The kernel sends each act once
// more, so that known ones are judged by them too.
func (e *engine) useRules(set *custom.Set) {
	rule.SetCustom(set.Registered())
	e.judge = e.judge.With(set)
	e.watcher.judge = e.judge
	for id, in := range e.containers.byCgroup {
		if in.behaviour.Matcher != nil {
			e.watcher.apply(in)
		} else if !in.unwatched {
			e.watcher.relearn(id)
		}
	}
}
