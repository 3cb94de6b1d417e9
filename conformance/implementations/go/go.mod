module wiretask.example

go 1.21
