#include "server/completion.hpp"

#include <CLI/CLI.hpp>
#include <vector>

namespace tandem::server {

namespace {

// Single quotes keep everything but themselves.
std::string shell_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string words_of(const CLI::App& verb) {
    std::string out;
    for (const CLI::Option* option : verb.get_options()) {
        for (const std::string& name : option->get_lnames())
            out += "--" + name + " ";
        for (const std::string& name : option->get_snames())
            out += "-" + name + " ";
    }
    for (const CLI::App* below : verb.get_subcommands([](const CLI::App*) { return true; }))
        out += below->get_name() + " ";
    if (!out.empty()) out.pop_back();
    return out;
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string bash(const CLI::App& app) {
    std::string out =
        "# tandem completion for bash: source <(tandem completion bash)\n"
        "_tandem() {\n"
        "    local word=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        words=" +
        shell_quoted(words_of(app)) + "\n    else\n        case \"${COMP_WORDS[1]}\" in\n";
    for (const CLI::App* verb : verbs_of(app))
        out += "            " + verb->get_name() + ") words=" + shell_quoted(words_of(*verb)) +
               " ;;\n";
    return out +
           "        esac\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
           "}\n"
           "complete -o default -F _tandem tandem\n";
}

std::string zsh(const CLI::App& app) {
    std::string out =
        "#compdef tandem\n"
        "# tandem completion for zsh: source <(tandem completion zsh)\n"
        "_tandem() {\n"
        "    local -a verbs\n"
        "    verbs=(\n";
    for (const CLI::App* verb : verbs_of(app))
        out += "        " + shell_quoted(verb->get_name() + ":" + verb->get_description()) + "\n";
    out +=
        "    )\n"
        "    if (( CURRENT == 2 )); then\n"
        "        _describe verb verbs\n"
        "        return\n"
        "    fi\n"
        "    case \"$words[2]\" in\n";
    for (const CLI::App* verb : verbs_of(app))
        out += "        " + verb->get_name() + ") compadd -- " + words_of(*verb) + " ;;\n";
    return out +
           "    esac\n"
           "    _files\n"
           "}\n"
           "compdef _tandem tandem\n";
}

std::string fish(const CLI::App& app) {
    std::string out = "# tandem completion for fish: tandem completion fish | source\n";
    for (const CLI::App* verb : verbs_of(app)) {
        out += "complete -c tandem -n __fish_use_subcommand -f -a " + verb->get_name() + " -d " +
               shell_quoted(verb->get_description()) + "\n";
        const std::string seen =
            "complete -c tandem -n '__fish_seen_subcommand_from " + verb->get_name() + "'";
        for (const CLI::Option* option : verb->get_options())
            for (const std::string& name : option->get_lnames())
                out +=
                    seen + " -l " + name + " -d " + shell_quoted(option->get_description()) + "\n";
        for (const CLI::App* below : verbs_of(*verb))
            out += seen + " -f -a " + below->get_name() + " -d " +
                   shell_quoted(below->get_description()) + "\n";
    }
    return out;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
    if (shell == "zsh") return zsh(app);
    if (shell == "fish") return fish(app);
    return bash(app);
}

}  // namespace tandem::server
