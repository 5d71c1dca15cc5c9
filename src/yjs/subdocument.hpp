#pragma once

#include <string>
#include <vector>

#include "yjs/item.hpp"

/// Documents within documents. The outer one holds a sub-document's name and options alone: what is
/// in it is a document of its own, which the caller loads, and syncs, by its guid.
namespace tandem::yjs {

struct SubdocumentOptions {
    std::string guid;
    /// Whether it collects, as everybody's default is.
    bool collects = true;
    /// Whether everybody who gets it loads it at once.
    bool loads_itself = false;
    /// Whether it is loaded where it was inserted.
    bool is_loaded = true;
    /// Canonical `any` of the caller's own, or empty for none.
    std::string meta;
};

/// One sub-document of a document, as long as it is not deleted.
struct Subdocument {
    Handle item = 0;
    std::string guid;
    bool loads_itself = false;
    bool is_loaded = false;
};

/// What a transaction did to the sub-documents; see Document::subdocument_events.
struct SubdocumentEvent {
    std::vector<Subdocument> added;
    std::vector<Subdocument> removed;
    /// Those that the caller is to load now.
    std::vector<Subdocument> loaded;

    bool empty() const { return added.empty() && removed.empty() && loaded.empty(); }
};

}  // namespace tandem::yjs
