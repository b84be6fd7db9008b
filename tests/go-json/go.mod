module gatehouse-go-json-judge

go 1.22
