#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "yjs/known_clocks.hpp"

namespace tandem::yjs {

class Document;

/// A document that is kept and served and not looked at: its state in columns (columnar.hpp), and
/// the updates that have come since. Items are built when somebody asks for all of it, and to make
/// new columns when there are many updates. They are given back at once, unless it is told to keep
/// them for those who will ask next.
class RestingDocument {
  public:
    enum class Keep : uint8_t {
        bytes,
        document,  ///< once it is built, until told otherwise
    };

    RestingDocument();
    ~RestingDocument();
    RestingDocument(RestingDocument&&) noexcept;
    RestingDocument& operator=(RestingDocument&&) noexcept;
    /// Takes what `save` gave, or an update of the first encoding. Errors: `malformed`,
    /// `too_large`.
    static base::Result<RestingDocument> load(std::string saved);
    /// Everything in the form at rest. Borrowed until the next call that is not const.
    std::string_view save();

    /// Takes an update that fits what is known (`KnownClocks::judge`).
    void append(std::string update, const UpdateReach& reach);
    const KnownClocks& known() const { return known_; }
    bool is_empty() const { return base_.empty() && updates_.empty(); }
    /// Of all that is held as updates; the state may be less.
    size_t bytes() const { return state_bytes_ + updates_bytes_; }

    /// Everything as one update of the first encoding.
    std::string state();
    /// What whoever has `vector` lacks, and all deletes.
    std::string diff(const StateVector& vector);
    /// Makes an empty document what this one is. Errors: `malformed`, `too_large`.
    base::Status load_into(Document& document) const;

    void keep(Keep what);
    /// Of the document that is kept, with its last state; 0 without one.
    size_t kept_bytes() const;

  private:
    struct Built;

    static base::Status load_base(std::string_view base, Document& document);
    base::Status bring_up(Built& built) const;
    /// Null when what is held does not make a document.
    Built* build();
    void give_back();
    void make_base(Built* built);
    void merge_base();
    bool has_many_updates() const;

    /// In columns, or as an update: of older files, and where a document refuses it.
    std::string base_;
    size_t state_bytes_ = 0;
    std::vector<std::string> updates_;
    size_t updates_bytes_ = 0;
    KnownClocks known_;
    Keep keep_ = Keep::bytes;
    std::unique_ptr<Built> built_;
};

}  // namespace tandem::yjs
