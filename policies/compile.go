package policies

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// decisionRef is the one thing that is asked of the built-in policy.
var decisionRef = ast.MustParseRef("data.cordon.decision")

// errorLimit is how many problems of a policy are reported at once.
const errorLimit = 50

// Compile makes an engine of a policy. It is strict: unknown builtins, unused variables, members of the input that the
// schema does not have, rules without code, rank or texts, rules that say anything but deny or grant, and a
// time zone that there is not, and settings and words other than their schemas have them, are refused with a
// *ProblemsError. Tests among the modules are left out.
func Compile(ctx context.Context, src Source) (*Engine, error) {
	if err := validate(ctx, src); err != nil {
		return nil, err
	}
	return compile(ctx, src, src.Digest())
}

// compile makes an engine of a policy that goes by a digest.
func compile(ctx context.Context, src Source, digest string) (*Engine, error) {
	program, err := Build(src, schemas())
	if err != nil {
		return nil, err
	}
	data, modules, compiler, store := program.Data, program.Modules, program.compiler, program.store
	settings := defaultSettings()
	if err := readTyped(data, "settings", settingsFile, &settings); err != nil {
		return nil, err
	}
	rules, err := readRules(modules, &settings)
	if err != nil {
		return nil, err
	}
	var words Words
	if err := readTyped(data, "words", wordsFile, &words); err != nil {
		return nil, err
	}
	vocabulary, err := readVocabulary(ctx, compiler, store, &words)
	if err != nil {
		return nil, err
	}
	if err := checkWords(src, &words, vocabulary); err != nil {
		return nil, err
	}
	clock, err := readClock(compiler, data)
	if err != nil {
		return nil, err
	}
	engine := &Engine{
		settings: settings, words: words,
		digest: digest, source: src.clone(), rules: rules, languages: spoken(rules), vocabulary: vocabulary, terms: newTerms(vocabulary), clock: clock,
		outcomes: outcomes{known: map[string]*Outcome{}}, memo: newMemo(impurity(compiler, data)),
	}
	if engine.plain, err = program.Prepare(ctx, decisionRef); err != nil {
		return nil, err
	}
	engine.kinds, engine.kindsKnown = namedKinds(src, modules, data, &words)
	flat, why := flatten(ctx, modules, compiler, store)
	if why != "" {
		engine.flat.why.Store(&why)
		return engine, nil
	}
	query, err := prepare(ctx, decisionRef, flat, store, false)
	if err != nil {
		return nil, err
	}
	engine.flat.query.Store(query)
	return engine, nil
}

// parse reads the modules of a source, with or without the tests.
func parse(src Source, tests bool) (map[string]*ast.Module, error) {
	modules := make(map[string]*ast.Module, len(src.Files))
	all := &ProblemsError{}
	for _, path := range src.Paths() {
		if !isModule(path) || isTest(path) && !tests {
			continue
		}
		if wrong := nested(path, src.Files[path]); wrong != nil {
			all.Problems = append(all.Problems, *wrong)
			continue
		}
		module, err := ast.ParseModuleWithOpts(path, src.Files[path], ast.ParserOptions{
			ProcessAnnotation: true,
			RegoVersion:       ast.RegoV1,
			Capabilities:      capabilities(),
		})
		var found *ProblemsError
		switch err := problems(err); {
		case err == nil:
			modules[path] = module
		case errors.As(err, &found):
			all.Problems = append(all.Problems, found.Problems...)
		default:
			return nil, err
		}
	}
	all.Problems = append(all.Problems, structure(modules, src.Paths())...)
	if len(all.Problems) > 0 {
		return nil, all
	}
	return modules, nil
}

// newCompiler gives a compiler with Cordon's strictness, which holds what modules read against schemas.
func newCompiler(schemas *ast.SchemaSet) *ast.Compiler {
	return ast.NewCompiler().
		WithStrict(true).
		WithCapabilities(capabilities()).
		WithSchemas(schemas).
		WithUseTypeCheckAnnotations(true).
		WithEnablePrintStatements(false).
		WithDefaultRegoVersion(ast.RegoV1).
		SetErrorLimit(errorLimit)
}

func compileModules(modules map[string]*ast.Module, schemas *ast.SchemaSet) (*ast.Compiler, error) {
	compiler := newCompiler(schemas)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, problems(compiler.Errors)
	}
	return compiler, nil
}

// schemas are the contract with whoever edits rules: of the input, also where a module declares none, of the settings, and
// of the words.
var schemas = sync.OnceValue(func() *ast.SchemaSet {
	set := ast.NewSchemaSet()
	for path, file := range map[string]string{
		"schema":          "input",
		"schema.input":    "input",
		"schema.settings": "settings",
		"schema.words":    "words",
	} {
		text, err := schema(file)
		var document any
		if err == nil {
			err = json.Unmarshal(text, &document)
		}
		if err != nil {
			panic("policies: an embedded schema is broken: " + err.Error()) // a build that no test has seen
		}
		term := ast.MustParseTerm(path)
		if ref, ok := term.Value.(ast.Ref); ok {
			set.Put(ref, document)
			continue
		}
		set.Put(ast.SchemaRootRef, document)
	}
	return set
})

// settingsFile is the file of the settings.
const settingsFile = "cordon/settings.json"

// schema returns one of the embedded JSON schemas, "input", "settings" or "words".
func schema(name string) ([]byte, error) {
	return files.ReadFile("schemas/" + name + ".jsonschema")
}
