module cordon.example/client

go 1.26
