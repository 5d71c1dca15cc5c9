#include "polling_server.hpp"

#include "link.hpp"

namespace tandem::bench {

PollingServer::PollingServer(PollingKind kind, std::vector<std::string> objects)
    : kind_(kind), objects_(std::move(objects)), versions_(objects_.size(), 1) {
    auto reactor = net::Reactor::create();
    if (!reactor) die("no reactor");
    reactor_ = *std::move(reactor);
    endpoint_ = std::make_unique<net::ServerEndpoint>(*reactor_, net::EndpointOptions{}, *this);
    if (!endpoint_->listen({"127.0.0.1", 0}).ok()) die("cannot listen");
    address_ = endpoint_->address();
    thread_ = std::thread([this] { reactor_->run(); });
}

PollingServer::~PollingServer() {
    reactor_->stop();
    thread_.join();
}

void PollingServer::on_request(net::HttpRequest request, net::Responder responder) {
    const size_t record = request.path.empty() ? 0 : static_cast<size_t>(request.path.back() - '0');
    net::HttpResponse response;
    if (record >= objects_.size()) {
        response.status = 404;
        return responder.respond(response);
    }
    const auto etag = [&] { return "\"" + std::to_string(versions_[record]) + "\""; };
    if (request.method == net::HttpMethod::kGet) {
        if (kind_ == PollingKind::etag && request.headers.get("if-none-match") == etag()) {
            response.status = 304;
        } else {
            response.headers.add("Content-Type", "application/json");
            response.body = objects_[record];
        }
    } else if (kind_ == PollingKind::etag && request.headers.get("if-match") != etag()) {
        response.status = 412;
    } else {
        objects_[record] = std::move(request.body);
        ++versions_[record];
        response.status = 204;
    }
    if (kind_ == PollingKind::etag) response.headers.add("ETag", etag());
    responder.respond(response);
}

}  // namespace tandem::bench
