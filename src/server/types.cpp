#include "server/types.hpp"

#include <cctype>
#include <map>
#include <memory>

#include "base/value.hpp"
#include "server/options.hpp"

namespace tandem::server {

namespace {

// The rules of a namespace as a tree: one node for each segment of their patterns.
struct Node {
    const hub::FieldRule* rule = nullptr;
    std::map<std::string, std::unique_ptr<Node>> children;
};

bool is_identifier(const std::string& name) {
    if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) return false;
    for (const char c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '$') return false;
    return true;
}

std::string members_of(const Node& node, const std::string& indent);

// What one element of a list or map is.
std::string kind_of(const Node& node, const std::string& indent) {
    const record::Kind kind = node.rule != nullptr ? node.rule->kind : record::Kind::map;
    const auto any = node.children.find("*");
    switch (kind) {
        case record::Kind::counter:
            return "f.counter()";
        case record::Kind::set:
            return "f.set<string>()";
        case record::Kind::list:
            return "f.list(" +
                   (any == node.children.end() ? "{}" : members_of(*any->second, indent)) + ")";
        case record::Kind::map:
            if (any != node.children.end()) return "f.map(" + kind_of(*any->second, indent) + ")";
            return "f.object(" + members_of(node, indent) + ")";
        case record::Kind::reg:
        case record::Kind::none:
            break;
    }
    const std::string type = type_name(*node.rule);
    return "f." + type + "()";
}

std::string members_of(const Node& node, const std::string& indent) {
    if (node.children.empty()) return "{}";
    const std::string deeper = indent + "    ";
    std::string out = "{\n";
    for (const auto& [name, child] : node.children) {
        out += deeper;
        if (is_identifier(name))
            out += name;
        else
            base::append_json_string(out, name);
        out += ": " + kind_of(*child, deeper) + ",\n";
    }
    return out + indent + "}";
}

std::string type_identifier(std::string name) {
    for (char& c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) name = "_" + name;
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
    return name;
}

Node tree_of(const hub::Namespace& ns) {
    Node root;
    for (const hub::FieldRule& rule : ns.fields) {
        Node* node = &root;
        for (const std::string& segment : rule.pattern) {
            std::unique_ptr<Node>& child = node->children[segment];
            if (child == nullptr) child = std::make_unique<Node>();
            node = child.get();
        }
        node->rule = &rule;
    }
    root.children.erase("*");
    return root;
}

void find_undeclared(const Node& node, const std::string& path, std::vector<std::string>& out) {
    const auto any = node.children.find("*");
    // A list's elements are objects; what has plain values is no list.
    if (node.rule == nullptr && any != node.children.end() && !any->second->children.empty())
        out.push_back(path);
    for (const auto& [name, child] : node.children)
        find_undeclared(*child, path + '/' + name, out);
}

}  // namespace

std::vector<std::string> undeclared_maps(const hub::Config& config) {
    std::vector<std::string> out;
    for (const auto& [name, ns] : config.namespaces)
        find_undeclared(tree_of(ns), name, out);
    return out;
}

std::string typescript_of(const hub::Config& config) {
    std::string out =
        "// Written by `tandem types --ts` from the server's schema; write it again when that "
        "changes.\n"
        "import { f, type Def, type Json } from '@tandem/client';\n";
    for (const auto& [name, ns] : config.namespaces) {
        const Node root = tree_of(ns);
        const std::string type = type_identifier(name);
        std::string constant = type;
        constant[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(constant[0])));
        if (constant == type) constant += "Fields";
        std::string quoted;
        base::append_json_string(quoted, name);
        out += "\nconst " + constant + " = " + members_of(root, "") + ";\n";
        out += "export type " + type + "Presence = Record<string, Json>;\n";
        out += "export const " + type + ": Def<typeof " + constant + ", " + type +
               "Presence> = { namespace: " + quoted + ", fields: " + constant + " };\n";
    }
    return out;
}

}  // namespace tandem::server
