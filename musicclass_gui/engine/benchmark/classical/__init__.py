"""The classical pipeline, small nets and metric learning (models-and-heads.md, §5): what the protocol `classical` is made of."""
